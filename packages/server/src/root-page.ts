/** Returns the page at `/`: what is there. */
export function rootPage(
  name: string,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Easel</title>
<h1>Easel</h1>
<p>This server draws with the model <code>${escapeHtml(name)}</code>, pictures of ${width} × ${height} pixels.</p>
<dl>
<dt><code>POST /v1/images/generations</code></dt><dd>OpenAI's images API</dd>
<dt><code>GET /v1/models</code></dt><dd>the model</dd>
<dt><code>POST /api/draw</code></dt><dd>server-sent events: place in the queue, progress, previews, pictures</dd>
<dt><code>GET /healthz</code>, <code>/readyz</code>, <code>/metrics</code></dt><dd>for whoever runs it</dd>
</dl>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
