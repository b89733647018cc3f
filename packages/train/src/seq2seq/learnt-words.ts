import { eventLoopTurn } from '@easel/core/internals';
import { WordCounter, type WordList } from '@easel/draw';

/** Captions that are counted at most; of larger sets, the list is not complete. */
const MOST_CAPTIONS = 1_000_000;

/** Captions that are counted between two turns of the event loop. */
const CAPTIONS_A_TURN = 1000;

/**
 * Counts the words of captions that a run is trained on. `captions` are in the form that the model
 * reads. `earlier` is the list of the model that the run began with.
 */
export async function countLearntWords(
  captions: AsyncIterable<string>,
  earlier?: WordList | undefined,
): Promise<WordList> {
  const counter = new WordCounter(earlier);
  let count = 0;
  for await (const caption of captions) {
    if (count === MOST_CAPTIONS) {
      counter.skip();
      break;
    }
    counter.add(caption);
    if (++count % CAPTIONS_A_TURN === 0) await eventLoopTurn();
  }
  return counter.list();
}
