export { unidecode } from './unidecode.js';
