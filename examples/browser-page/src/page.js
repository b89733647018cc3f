// A page that draws in the visitor's browser, without a server: npx vite examples/browser-page
import { selectBackend } from '@easel/core';
import { generatePictures, openPictureModel } from '@easel/draw';

const status = document.querySelector('[role=status]');
const canvas = document.querySelector('canvas');
const form = document.querySelector('form');

const { name } = await selectBackend('wasm', { wasmPaths: new URL('wasm/', document.baseURI).href });
const model = await openPictureModel(new URL('model/', document.baseURI).href);
status.textContent = `Ready (${name}).`;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const prompt = new FormData(form).get('prompt');
  const onTokens = (done, total) => {
    status.textContent = `Drawing ${prompt}: ${Math.round((100 * done) / total)} %`;
  };
  for await (const { pixels } of generatePictures(model, { prompts: [prompt], seed: 7, onTokens })) {
    const { data, width, height } = pixels; // bytes, [height, width, 3]
    const picture = new ImageData(width, height);
    for (let i = 0, j = 0; i < data.length; i += 3, j += 4)
      picture.data.set([...data.subarray(i, i + 3), 255], j);
    canvas.getContext('2d').putImageData(picture, 0, 0);
  }
  status.textContent = `Drew ${prompt}.`;
});
