/** Endings that English puts behind a word's base: plural, tense, comparison, person, possession. */
const ENDINGS = ["'s", 's', 'es', 'ed', 'ing', 'er', 'ers', 'est', 'y', 'ly', 'ish'] as const;

/** Fewest letters of a base. */
const LEAST = 3;

/**
 * The forms from which a word may have been made by English endings, the word itself among them:
 * `hearts` → `heart`, `berries` → `berry`, `leaves` → `leaf`, `running` → `run`, `smiling` →
 * `smile`. Some are no words (`berrie`); two words that share a form are taken for relatives.
 */
export function baseForms(word: string): ReadonlySet<string> {
  const forms = new Set([word]);
  const add = (base: string) => {
    if (base.length >= LEAST) forms.add(base);
  };
  for (const ending of ENDINGS) {
    if (!word.endsWith(ending)) continue;
    const rest = word.slice(0, -ending.length);
    if (rest.length < LEAST - 1) continue;
    add(rest);
    if (/^[ieay]/.test(ending)) {
      if (rest.length >= LEAST) add(`${rest}e`);
      if (/([bdfglmnprtz])\1$/.test(rest)) add(rest.slice(0, -1));
    }
    if (/^e/.test(ending) && rest.endsWith('i')) add(`${rest.slice(0, -1)}y`);
    if (ending === 'es' && rest.endsWith('v')) {
      add(`${rest.slice(0, -1)}f`);
      add(`${rest.slice(0, -1)}fe`);
    }
  }
  return forms;
}
