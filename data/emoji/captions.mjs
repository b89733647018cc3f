// Captions that a person might write to get a drawing: its label, other names, the label with tags,
// or tags alone, with or without an article.

const toneNames = ['', 'light', 'medium-light', 'medium', 'medium-dark', 'dark'];
const clean = (text) => text.toLowerCase().replaceAll('’', "'").replace(/[“”]/g, '').replaceAll('_', ' ');
/** "a cat", "an apple", by sound: "a unicorn", "a one-piece swimsuit", "an hourglass". */
export const withArticle = (name) =>
  (/^[aeiou]/.test(name) && !/^(?:one\b|once|uni[cfqtv]|us[ae]|utensil|ufo|eu)/.test(name)) ||
  /^(?:hour|honest)/.test(name)
    ? `an ${name}`
    : `a ${name}`;

/** Labels that take no article: flags and clock times. */
const isProperName = (drawing) =>
  drawing.group === 'flags' ||
  /o'clock|-thirty$/.test(clean(drawing.label)) ||
  /^keycap: /.test(drawing.label);

/** A small seeded generator (mulberry32 over an FNV-1a hash of the text), uniform in [0, 1). */
export function randomFrom(text) {
  let state = 0x811c9dc5;
  for (const unit of text) state = Math.imul(state ^ unit.codePointAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const pick = (random, list) => list[Math.floor(random() * list.length)];

function sample(random, list, count) {
  const rest = [...list];
  const out = [];
  while (out.length < count && rest.length > 0)
    out.push(rest.splice(Math.floor(random() * rest.length), 1)[0]);
  return out;
}

/** Returns all names of a drawing's concept, the label's plain form first. */
export function namesOf(drawing) {
  const label = clean(drawing.label);
  const names = [label];
  const flag = label.match(/^flag: (.+)$/)?.[1];
  const keycap = label.match(/^keycap: (.+)$/)?.[1];
  const person = label.match(/^person: (.+)$/)?.[1];
  if (flag) names.splice(0, 1, `flag of ${flag}`, `${flag} flag`, label, `the ${flag} flag`);
  else if (keycap) names.push(`keycap ${keycap}`, `number ${keycap}`);
  else if (person) names.push(`person with ${person}`);
  else if (/o'clock|-thirty$/.test(label)) {
    names.push(`clock face at ${label}`, `clock showing ${label}`, `a clock at ${label}`, `it is ${label}`);
  }
  const others = drawing.shortcodes.filter((name) => name.length > 2 && !name.startsWith('flag_')).map(clean);
  return [...new Set([...names, ...others.slice(0, 4)])];
}

/**
 * Returns the caption that asks for a drawing in evaluations: `a red heart`, `flag of France` in
 * lower case. `articled` gives a name its article.
 */
export function canonicalCaption(drawing, articled = withArticle) {
  const name = namesOf(drawing)[0];
  const toned = drawing.tone ? `${name}, ${toneNames[drawing.tone]} skin tone` : name;
  return isProperName(drawing) ? toned : articled(toned);
}

/** Returns the canonical caption without its article. */
export function plainCaption(drawing) {
  const name = namesOf(drawing)[0];
  return drawing.tone ? `${name}, ${toneNames[drawing.tone]} skin tone` : name;
}

/**
 * Draws a caption at random: 45 % label, 23 % another name, 17 % label and 1–2 tags, 15 % tags only
 * (where a drawing has them); then an article in 40 %, "a drawing of" and the like in 8 %, "…
 * emoji" in 4 %. A style word, if given, in 65 %. `articled` gives a name its article.
 */
export function randomCaption(drawing, random, style = '', articled = withArticle) {
  const names = namesOf(drawing);
  const tags = drawing.tags.map(clean);
  const kind = random();
  let text = names[0];
  if (kind >= 0.45 && kind < 0.68 && names.length > 1) text = pick(random, names.slice(1));
  else if (kind >= 0.68 && kind < 0.85 && tags.length > 0) {
    const separator = random() < 0.6 ? ', ' : ' ';
    text = names[0] + separator + sample(random, tags, pick(random, [1, 1, 2])).join(' ');
  } else if (kind >= 0.85 && tags.length > 0)
    text = sample(random, tags, pick(random, [1, 2, 2, 3])).join(' ');

  if (drawing.tone) {
    const tone = toneNames[drawing.tone];
    text = pick(random, [
      `${text}, ${tone} skin tone`,
      `${text} with ${tone} skin`,
      `${text}: ${tone} skin tone`,
      `${tone} skin ${text}`,
    ]);
  }
  const frame = random();
  const determined = /^(an?|the|it is) /.test(text);
  if (frame < 0.35) text = determined ? text : articled(text);
  else if (frame < 0.4) text = determined ? text : `the ${text}`;
  else if (frame < 0.48) {
    const lead = pick(random, ['an emoji of ', 'a picture of ', 'a drawing of ', 'emoji of ']);
    text = lead + (random() < 0.6 && !determined ? articled(text) : text);
  } else if (frame < 0.52) text = `${text} emoji`;

  if (style !== '' && random() < 0.65) {
    const place = random();
    if (place < 0.5) text = `${text}, ${style}`;
    else if (place < 0.7) text = `${text} in ${style} style`;
    else if (place < 0.85) text = `${text} ${style}`;
    else text = `${style} ${text}`;
  }
  return text;
}

/**
 * Returns `count` different captions of a drawing. The canonical one comes first, then (from three
 * captions on) its plain form. There are fewer captions only if 20 draws bring nothing new. The
 * same drawing, count, seed and style give the same captions, whatever other drawings are in the
 * set.
 */
export function captionsOf(drawing, { count, seed, style = '' }) {
  const random = randomFrom(`${seed} ${drawing.id}`);
  const captions = new Set([canonicalCaption(drawing), plainCaption(drawing)].slice(0, Math.ceil(count / 2)));
  for (let tries = 0; captions.size < count && tries < 20 * count; tries++) {
    captions.add(randomCaption(drawing, random, style));
  }
  return [...captions];
}
