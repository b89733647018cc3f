import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';

/**
 * The body of a spec or hook. It may take `done`, or return a promise. Other results (a spy, say)
 * are dropped.
 */
type Body = (done?: Done) => unknown;
type Done = (() => void) & { fail: (reason?: unknown) => void };
type ErrorClass = new (...args: never[]) => Error;

/** How long a spec may take, in milliseconds. It is generous, for machines that are busy. */
const SPEC_TIMEOUT = 120_000;

/** What the specs of one jest file have done so far. */
export interface SpecCounts {
  defined: number;
  pending: number;
  passed: number;
  /** How many specs demand a wrong result, and fail. */
  wrong: number;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/** Runs a body. Resolves when it is done, and rejects when it fails. */
async function finish(body: Body): Promise<void> {
  if (body.length > 0) {
    await new Promise<void>((resolve, reject) => {
      const done = Object.assign(() => resolve(), {
        fail: (reason?: unknown) => reject(reason instanceof Error ? reason : new Error(String(reason))),
      });
      const result = body(done);
      if (isPromise(result)) result.then(undefined, reject);
    });
    return;
  }
  const result = body();
  if (isPromise(result)) await result;
}

/**
 * Why `thrown` is not the error that jasmine's toThrowError(type?, message?) asks for. Undefined if
 * it is.
 */
function errorMismatch(thrown: unknown, expected: readonly unknown[]): string | undefined {
  const error = thrown as Error | undefined;
  if (typeof error?.message !== 'string') return `expected an Error, but got ${String(thrown)}`;
  for (const wanted of expected) {
    if (wanted instanceof RegExp) {
      if (!wanted.test(error.message)) return `expected a message like ${wanted}, but got: ${error.message}`;
    } else if (typeof wanted === 'string') {
      if (error.message !== wanted) return `expected the message '${wanted}', but got: ${error.message}`;
    } else if (!((thrown as object) instanceof (wanted as ErrorClass))) {
      return `expected a ${(wanted as ErrorClass).name}, but got: ${error.name}`;
    }
  }
  return undefined;
}

/** What calling `f` throws, or undefined if it throws nothing. */
function thrownBy(f: () => unknown): { thrown: unknown } | undefined {
  try {
    f();
  } catch (thrown) {
    return { thrown };
  }
  return undefined;
}

type Matcher = (...expected: unknown[]) => void;

interface Spy {
  and: Record<'callFake' | 'returnValue', (value: never) => Spy> & { callThrough: () => Spy };
  calls: { count(): number; first(): { args: unknown[] }; mostRecent(): { args: unknown[] } };
}

/**
 * Puts the globals of jasmine that tfjs-core's specs use on globalThis, as thin forms of jest's.
 * They differ from jest's matchers of the same names: toThrowError compares a string with the whole
 * message, toBe is ===, and fail() does not interrupt. Anything else that specs might call is
 * missing, so that its use fails. A spec whose name is among `wrong` demands a wrong result and
 * must fail. Returns the counts that the specs keep up to date.
 */
export function installJasmine(wrong: ReadonlySet<string>): SpecCounts {
  const counts: SpecCounts = { defined: 0, pending: 0, passed: 0, wrong: 0 };
  /** These undo spies at the end of the innermost running spec or describe. */
  let restores: (() => void)[] = [];
  let failures: string[] = [];
  const undo = (list: (() => void)[]) => {
    for (const restore of list.splice(0).reverse()) restore();
  };

  const jasmineExpect = (value?: unknown) => {
    // Matchers are made when one is asked for, since jest binds all of its matchers each time.
    const matchers = () => expect(value) as unknown as Record<string, Matcher>;
    const ours: Record<string, Matcher> = {
      nothing: () => undefined,
      toBe: (expected) => {
        if (value !== expected) matchers().toBe?.(expected);
      },
      toBeTrue: () => matchers().toBe?.(true),
      toBeFalse: () => matchers().toBe?.(false),
      toEqual: (expected) => matchers().toStrictEqual?.(expected),
      toThrowError: (...expected) => {
        const caught = thrownBy(value as () => unknown);
        const problem = caught ? errorMismatch(caught.thrown, expected) : 'nothing was thrown';
        if (problem) throw new Error(`toThrowError: ${problem}`);
      },
    };
    const negated: Record<string, Matcher> = { toThrowError: () => expect(value).not.toThrow() };
    const not = new Proxy(negated, {
      get: (own, name: string) => own[name] ?? (expect(value).not as unknown as typeof own)[name],
    });
    return new Proxy(ours, {
      get: (own, name: string) => (name === 'not' ? not : (own[name] ?? matchers()[name])),
    });
  };

  const expectAsync = (promise: PromiseLike<unknown>) => ({
    toBeRejectedWithError: async (...expected: unknown[]) => {
      const problem = await promise.then(
        () => 'the promise was fulfilled',
        (thrown: unknown) => errorMismatch(thrown, expected),
      );
      if (problem) throw new Error(`toBeRejectedWithError: ${problem}`);
    },
  });

  const spyOn = (object: Record<string, unknown>, name: string): Spy => {
    const original = object[name] as (...args: unknown[]) => unknown;
    if (typeof original !== 'function') throw new Error(`spyOn: ${name} is not a function`);
    const own = Object.getOwnPropertyDescriptor(object, name);
    const mock = jest.fn<(...args: unknown[]) => unknown>();
    const spy = mock as unknown as Spy;
    const call = (f: (this: unknown, ...args: unknown[]) => unknown) => {
      mock.mockImplementation(f);
      return spy;
    };
    const args = (i: number) => ({ args: mock.mock.calls.at(i) as unknown[] });
    spy.and = {
      callThrough: () =>
        call(function (...values) {
          return original.apply(this, values);
        }),
      callFake: call as never,
      returnValue: ((value: unknown) => call(() => value)) as never,
    };
    spy.calls = { count: () => mock.mock.calls.length, first: () => args(0), mostRecent: () => args(-1) };
    Object.defineProperty(object, name, {
      value: spy,
      writable: true,
      configurable: true,
      enumerable: own?.enumerable ?? true,
    });
    restores.push(() => {
      if (own) Object.defineProperty(object, name, own);
      else delete object[name];
    });
    return spy;
  };

  const it = (name: string, body: Body) => {
    counts.defined += 1;
    if (wrong.has(name)) counts.wrong += 1;
    (wrong.has(name) ? test.failing : test)(
      name,
      async () => {
        failures = [];
        await finish(body);
        if (failures.length > 0) throw new Error(failures.join('\n'));
        counts.passed += 1;
      },
      SPEC_TIMEOUT,
    );
  };
  const xit = (name: string, body: Body) => {
    counts.defined += 1;
    counts.pending += 1;
    test.skip(name, body as () => void);
  };

  afterEach(() => undo(restores));
  let ofDescribe: (() => void)[] = [];
  const describeIt = (name: string, body: () => void) => {
    const outer = ofDescribe;
    const mine: (() => void)[] = [];
    describe(name, () => {
      ofDescribe = mine;
      body();
      ofDescribe = outer;
      afterAll(() => undo(mine));
    });
  };

  Object.assign(globalThis, {
    describe: describeIt,
    it,
    xit,
    beforeAll: (body: Body) => {
      const mine = ofDescribe;
      beforeAll(async () => {
        const before = restores;
        restores = mine;
        await finish(body);
        restores = before;
      }, SPEC_TIMEOUT);
    },
    afterAll: (body: Body) => afterAll(() => finish(body), SPEC_TIMEOUT),
    beforeEach: (body: Body) => beforeEach(() => finish(body), SPEC_TIMEOUT),
    afterEach: (body: Body) => afterEach(() => finish(body), SPEC_TIMEOUT),
    expect: jasmineExpect,
    expectAsync,
    spyOn,
    fail: (reason?: unknown) => {
      failures.push(`fail: ${String(reason)}`);
    },
    jasmine: {
      DEFAULT_TIMEOUT_INTERVAL: SPEC_TIMEOUT,
      arrayWithExactContents: (expected: unknown[]) => ({
        $$typeof: Symbol.for('jest.asymmetricMatcher'),
        asymmetricMatch: (actual: unknown[]) =>
          actual.length === expected.length && expected.every((value) => actual.includes(value)),
        toString: () => `an array of ${expected.join(', ')} in any order`,
      }),
    },
  });
  return counts;
}
