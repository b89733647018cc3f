/**
 * What Windows-1252 has at bytes 0x80 to 0x9F; its five holes hold the C1 controls, as in browsers. All other bytes are
 * Latin-1. Written out because Node's TextDecoder('windows-1252') decodes Latin-1 up to Node 22.
 */
export const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
