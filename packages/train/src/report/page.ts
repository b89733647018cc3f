import { escapeHtml } from './curve-plot.js';

/** A self-contained HTML page: no network, no scripts. */
export function pageOf(title: string, body: readonly string[]): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}</style></head><body>${body.join('\n')}</body></html>\n`;
}

const style = `
body{font:15px/1.45 system-ui,sans-serif;max-width:1240px;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{margin:0}h2{margin:2rem 0 .6rem;border-bottom:1px solid #ddd}h3{margin:1rem 0 .3rem}.sub{color:#666;margin-top:.2rem}
.warning{background:#fff3cd;border:1px solid #e69f00;padding:.6rem 1rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(380px,1fr));gap:1rem}.plots.wide{grid-template-columns:repeat(auto-fill,minmax(min(540px,100%),1fr))}
figure{margin:0;border:1px solid #e4e4e4;border-radius:6px;padding:.6rem}figcaption{font-weight:600}
svg{width:100%;height:auto;display:block;font-size:12px;fill:#555}
.legend{font-size:13px}.legend span{margin-right:1rem;white-space:nowrap}.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:.35rem}
.legend b{color:#666;font-weight:400;margin-left:.3rem}
.grids img{max-width:100%;min-width:min(360px,100%);image-rendering:pixelated;display:block;margin:.3rem 0 1rem}
table{border-collapse:collapse;font-size:13px;margin-bottom:1rem}blockquote{margin:1rem 0;padding:.2rem 1rem;border-left:4px solid #0072b2;background:#f4f8fb}blockquote footer{color:#666;font-size:13px}
th{text-align:left;padding:.15rem 1rem .15rem 0;border-bottom:1px solid #bbb}td{border-bottom:1px solid #eee;padding:.15rem 1rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}
td:first-child{color:#666;white-space:nowrap}`.replaceAll('\n', '');
