import type { Case, GoldenFolder, Kind } from '../kind.js';
import { conditionedLogitsCase } from './generation/conditioned-logits.js';
import { keysCase } from './generation/keys.js';
import { minDalleCases } from './generation/min-dalle.js';
import { refusalsCase } from './generation/refusals.js';
import { rulesCases } from './generation/rules.js';
import { runCases } from './generation/runs.js';

/**
 * Drawing tokens: runs of the original's generate, its rules on logits, its keys, and min-dalle's
 * rule.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('config.json', 'runs.json')) cases.push(...runCases(folder));
    if (folder.has('config.json', 'refusals.json')) cases.push(refusalsCase(folder));
    if (folder.has('cases.json', 'io.safetensors')) cases.push(...minDalleCases(folder));
    if (folder.has('warpers.json')) cases.push(...rulesCases(folder.file('warpers.json')));
    if (folder.has('keys.json')) cases.push(keysCase(folder.file('keys.json')));
    if (folder.has('logits.safetensors')) cases.push(conditionedLogitsCase(folder));
    return cases;
  },
};
