// Says once what a setting may be: fields that read it, check it and fill in its default.
export { withAssignments, withSetting } from './config/assignments.js';
export {
  anything,
  type Field,
  type Fields,
  fixed,
  flag,
  integer,
  list,
  mismatch,
  named,
  nullable,
  objectOrFile,
  oneOf,
  optional,
  type Range,
  readSettings,
  real,
  type SectionForm,
  type Settings,
  section,
  snakeCase,
  text,
} from './config/fields.js';
export { showValue } from './config/show-value.js';
