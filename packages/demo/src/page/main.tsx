import '@fontsource-variable/newsreader/wght-italic.css';
import '@fontsource-variable/schibsted-grotesk/wght.css';
import './style.css';
import { render } from 'preact';
import { App } from './app.js';

render(<App />, document.getElementById('page') as HTMLElement);
