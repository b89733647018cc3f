/**
 * Reads Python pickles without running them. Containers, numbers and text become their JavaScript
 * counterparts. Whatever Python would import or construct stays a name, unless the `PickleHost`
 * knows it as data. Nothing in a pickle can choose code that runs.
 *
 * It knows the binary opcodes of protocols 2 to 5, which torch.save writes. The text opcodes of
 * protocols 0 and 1 are refused, except GLOBAL. Source: CPython Lib/pickletools.py.
 */
import { CheckpointError } from '../errors.js';

/** Something in a pickle that is not plain data. */
export abstract class PickleObject {}

/** A class or function that the pickle names. It is never looked up. */
export class PickleGlobal extends PickleObject {
  /** Module and name, joined with a dot. */
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** What Python would have made by a call. It is skipped, with all that is in it. */
export class PickleOpaque extends PickleObject {
  /** The name of what was to be called. */
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** A value in a pickle. Tuples, lists and sets are arrays, dicts are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleObject;

/** What the reader of a kind of file knows of the objects in its pickles. */
export interface PickleHost {
  /**
   * What calling `name` would give, if that is plain data; undefined to skip it. Throws an Error
   * with a reason for bad arguments.
   */
  call(name: string, args: readonly PickleValue[]): PickleValue | undefined;
  /**
   * The object outside the pickle that `id` stands for. Throws an Error with a reason if there is
   * none.
   */
  persistent(id: PickleValue): PickleValue;
}

/**
 * The longest Python integer that is read, in bytes. Reading one takes time that grows with the
 * square of its length.
 */
const MAX_INTEGER_BYTES = 64;

/** Marks where the items of a list, dict or tuple begin on the stack. */
const MARK = Symbol('mark');

type StackItem = PickleValue | typeof MARK;

/**
 * The value of a pickle.
 *
 * Throws CheckpointError with the byte: an opcode that torch.save does not write, missing operands,
 * text that is not UTF-8, bytes after the end, and what the host refuses.
 */
export function readPickle(bytes: Uint8Array, description: string, host: PickleHost): PickleValue {
  const { value, end } = readPickleAt(bytes, 0, description, host);
  const rest = bytes.byteLength - end;
  if (rest > 0)
    throw new CheckpointError(
      `${description}: ${rest} bytes follow the end of the pickle. If the file was downloaded or copied, fetch it again.`,
    );
  return value;
}

/**
 * The value of the pickle that begins at a byte, and the byte after its end. Whatever follows is
 * ignored. Throws CheckpointError as `readPickle` does.
 */
export function readPickleAt(
  bytes: Uint8Array,
  start: number,
  description: string,
  host: PickleHost,
): { readonly value: PickleValue; readonly end: number } {
  const reader = new PickleReader(bytes.subarray(start), description, host);
  const value = reader.read();
  return { value, end: start + reader.position };
}

class PickleReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly description: string;
  private readonly host: PickleHost;
  private readonly stack: StackItem[] = [];
  private readonly memo = new Map<number, PickleValue>();
  /** Position of the next byte. */
  private at = 0;

  constructor(bytes: Uint8Array, description: string, host: PickleHost) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.description = description;
    this.host = host;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.at;
  }

  read(): PickleValue {
    for (;;) {
      const opcode = this.uint8();
      if (opcode !== 0x2e) {
        this.step(opcode);
        continue;
      }
      const value = this.pop();
      if (this.stack.length > 0) throw this.error(`${this.stack.length} values are left over at the end`);
      return value;
    }
  }

  private error(problem: string, cause?: unknown): CheckpointError {
    return new CheckpointError(
      `${this.description}: ${problem} (byte ${this.at} of the pickle). If the file was downloaded or copied, fetch it again; else write it again with torch.save(model.state_dict(), PATH).`,
      { cause },
    );
  }

  private step(opcode: number): void {
    const stack = this.stack;
    switch (opcode) {
      case 0x80: // PROTO
        this.protocol(this.uint8());
        return;
      case 0x95: // FRAME: a hint for buffers
        this.skip(8);
        return;
      case 0x28: // MARK
        stack.push(MARK);
        return;
      case 0x30: // POP
        if (stack.pop() === undefined) throw this.error('a value is taken from an empty stack');
        return;
      case 0x31: // POP_MARK
        this.popToMark();
        return;
      case 0x32: // DUP
        stack.push(this.top());
        return;
      case 0x4e: // NONE
        stack.push(null);
        return;
      case 0x88: // NEWTRUE
        stack.push(true);
        return;
      case 0x89: // NEWFALSE
        stack.push(false);
        return;
      case 0x4a: // BININT
        stack.push(this.view.getInt32(this.skip(4), true));
        return;
      case 0x4b: // BININT1
        stack.push(this.uint8());
        return;
      case 0x4d: // BININT2
        stack.push(this.view.getUint16(this.skip(2), true));
        return;
      case 0x8a: // LONG1
        stack.push(this.integer(this.uint8()));
        return;
      case 0x8b: // LONG4
        stack.push(this.integer(this.uint32()));
        return;
      case 0x47: // BINFLOAT
        stack.push(this.view.getFloat64(this.skip(8), false));
        return;
      case 0x58: // BINUNICODE
        stack.push(this.text(this.uint32()));
        return;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(this.text(this.uint8()));
        return;
      case 0x8d: // BINUNICODE8
        stack.push(this.text(this.uint64()));
        return;
      case 0x54: // BINSTRING: Python 2's str
        stack.push(this.latin1(this.uint32()));
        return;
      case 0x55: // SHORT_BINSTRING
        stack.push(this.latin1(this.uint8()));
        return;
      case 0x42: // BINBYTES
        stack.push(this.data(this.uint32()));
        return;
      case 0x43: // SHORT_BINBYTES
        stack.push(this.data(this.uint8()));
        return;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(this.data(this.uint64()));
        return;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        stack.push([]);
        return;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        return;
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        stack.push(this.popToMark());
        return;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(this.popMany(opcode - 0x84));
        return;
      case 0x61: // APPEND
        this.extend([this.pop()]);
        return;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.extend(this.popToMark());
        return;
      case 0x73: // SETITEM
        this.setItems(this.popMany(2));
        return;
      case 0x75: // SETITEMS
        this.setItems(this.popToMark());
        return;
      case 0x68: // BINGET
        stack.push(this.remembered(this.uint8()));
        return;
      case 0x6a: // LONG_BINGET
        stack.push(this.remembered(this.uint32()));
        return;
      case 0x71: // BINPUT
        this.memo.set(this.uint8(), this.top());
        return;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.uint32(), this.top());
        return;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        return;
      case 0x63: // GLOBAL
        stack.push(new PickleGlobal(`${this.line()}.${this.line()}`));
        return;
      case 0x93: // STACK_GLOBAL
        stack.push(this.stackGlobal());
        return;
      case 0x52: {
        // REDUCE
        const [callee, args] = this.popMany(2) as [PickleValue, PickleValue];
        stack.push(this.call(callee, args));
        return;
      }
      case 0x81: {
        // NEWOBJ
        const [callee] = this.popMany(2) as [PickleValue];
        stack.push(new PickleOpaque(nameOf(callee)));
        return;
      }
      case 0x92: {
        // NEWOBJ_EX
        const [callee] = this.popMany(3) as [PickleValue];
        stack.push(new PickleOpaque(nameOf(callee)));
        return;
      }
      case 0x62: // BUILD: attributes, which plain data has no use for
        this.pop();
        this.top();
        return;
      case 0x51: // BINPERSID
        stack.push(this.ask(() => this.host.persistent(this.pop())));
        return;
      default:
        throw this.error(`opcode 0x${opcode.toString(16).padStart(2, '0')}, which torch.save does not write`);
    }
  }

  private protocol(version: number): void {
    if (version < 2 || version > 5) throw this.error(`expected pickle protocol 2 to 5, found ${version}`);
  }

  private stackGlobal(): PickleGlobal {
    const [module, name] = this.popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.error('expected module and name of a class as text');
    }
    return new PickleGlobal(`${module}.${name}`);
  }

  private call(callee: PickleValue, args: PickleValue): PickleValue {
    if (callee instanceof PickleGlobal && Array.isArray(args)) {
      const made = this.ask(() => this.host.call(callee.name, args));
      if (made !== undefined) return made;
    }
    return new PickleOpaque(nameOf(callee));
  }

  private ask<Answer>(question: () => Answer): Answer {
    try {
      return question();
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw this.error((error as Error).message, error);
    }
  }

  /** Moves over `length` bytes, which must exist. Returns where they start. */
  private skip(length: number): number {
    const left = this.bytes.byteLength - this.at;
    if (length > left)
      throw this.error(`the pickle ends too early: expected ${length} more bytes, found ${left}`);
    const start = this.at;
    this.at += length;
    return start;
  }

  private uint8(): number {
    return this.view.getUint8(this.skip(1));
  }

  private uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  private uint64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  private data(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  private text(length: number): string {
    const data = this.data(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    } catch (error) {
      throw this.error('a text is not UTF-8', error);
    }
  }

  private latin1(length: number): string {
    return new TextDecoder('latin1').decode(this.data(length));
  }

  /** Text up to the end of the line. */
  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.error('the name of a class does not end');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** Two's complement, the low byte first. */
  private integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES)
      throw this.error(`an integer of ${length} bytes; expected at most ${MAX_INTEGER_BYTES}`);
    let value = 0n;
    const data = this.data(length);
    for (const [i, byte] of data.entries()) value |= BigInt(byte) << BigInt(8 * i);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw this.error('an operand is not there');
    return value;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popMany(count: number): PickleValue[] {
    const values = this.stack.slice(-count);
    if (values.length < count || values.includes(MARK)) throw this.error('an operand is not there');
    this.stack.length -= count;
    return values as PickleValue[];
  }

  private popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.error('a list of items has no beginning');
    return this.stack.splice(mark).slice(1) as PickleValue[];
  }

  private remembered(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.error(`value ${index} is used before it was stored`);
    return value;
  }

  private extend(items: PickleValue[]): void {
    const list = this.top();
    if (Array.isArray(list)) for (const item of items) list.push(item);
    else if (!(list instanceof PickleObject))
      throw this.error('items are added to something that is no list');
  }

  private setItems(items: PickleValue[]): void {
    const dict = this.top();
    if (items.length % 2 !== 0) throw this.error('a key has no value');
    if (dict instanceof PickleObject) return;
    if (!(dict instanceof Map)) throw this.error('keys are set in something that is no dict');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i] as PickleValue, items[i + 1] as PickleValue);
  }
}

function nameOf(callee: PickleValue): string {
  return callee instanceof PickleGlobal || callee instanceof PickleOpaque ? callee.name : 'an unnamed object';
}
