import { smallProgram } from './small-program.mjs';

console.log(JSON.stringify(await smallProgram()));
