declare module 'unidecode' {
  /** ASCII for the characters of `text`; the package has no types of its own. */
  export default function unidecode(text: string): string;
}
