import type { OpenableModule } from '../sources/open-module.js';

/** Renderings with which a drawing is compared on an axis. A rendering is known by its name. */
export interface Comparison {
  /** Rendering of what the prompt asks for. */
  readonly right: string;
  /** Returns the renderings that differ from it on the axis. */
  contrasts(): readonly string[];
}

/** A prompt with renderings of what it asks for and of what it doesn't. */
export interface ContrastedPrompt {
  readonly prompt: string;
  /** Part of its kind that is counted apart, e.g. `seen` or `held out`. */
  readonly split: string;
  /** Rendering of what the prompt asks for. */
  readonly right: string;
  /**
   * What can be right or wrong about a drawing, e.g. `colour`, and with what it is compared there. A
   * drawing is right on an axis if it is nearer to the right rendering than to every contrast. Where
   * several renderings are right, there is a comparison of each, and the one whose right rendering
   * is nearest to the drawing counts.
   */
  readonly axes: Readonly<Record<string, readonly Comparison[]>>;
}

/** Prompts by kind, and a renderer of what they ask for. */
export interface JudgedSet {
  /** The kinds of prompts, in the order of reports. */
  readonly kinds: readonly string[];
  /**
   * Returns prompts of a kind: the same each time, at most `count` of each split, and the first ones
   * of a greater count.
   */
  prompts(kind: string, count: number): Promise<readonly ContrastedPrompt[]> | readonly ContrastedPrompt[];
  /** Returns a rendering: uint8 [size, size, 3], RGB. `size` is a multiple of 16. */
  render(name: string, size: number): Promise<Uint8Array> | Uint8Array;
}

/** What a module exports that says what a model is asked and what its drawings are compared with. */
export type JudgedModule = OpenableModule<JudgedSet>;
