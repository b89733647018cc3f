export { Adafactor, type AdafactorConfig } from './adafactor.js';
export { AdamW, type AdamWConfig } from './adamw.js';
export { clipByGlobalNorm } from './clip.js';
export { Optimizer } from './optimizer.js';
export {
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './schedules.js';
