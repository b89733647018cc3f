import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What the gauges show at the time at which they are asked for. */
export interface GaugeSource {
  readonly requests: number;
  readonly waiting: number;
  readonly drawing: number;
  readonly slots: number;
  /** Codes a second; undefined where nothing is known. */
  readonly tokensPerSecond: number | undefined;
  readonly ready: boolean;
}

/** The numbers of a server, in Prometheus's text form. */
export class Metrics {
  readonly registry = new Registry();
  readonly http: Counter<'route' | 'method' | 'status'>;
  readonly httpSeconds: Histogram<'route'>;
  readonly drawSeconds: Histogram;
  readonly firstEventSeconds: Histogram;
  readonly pictures: Counter;
  readonly tokens: Counter;
  readonly refused: Counter<'reason'>;
  readonly cancelled: Counter;
  readonly crashes: Counter;

  constructor(source: () => GaugeSource) {
    const registers = [this.registry];
    this.http = new Counter({
      name: 'easel_http_requests_total',
      help: 'Answered HTTP requests',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    this.httpSeconds = new Histogram({
      name: 'easel_http_request_seconds',
      help: 'Seconds from the head of a request to the end of its answer',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.drawSeconds = histogram(
      'easel_draw_seconds',
      'Seconds from an accepted request to its last picture',
    );
    this.firstEventSeconds = histogram(
      'easel_draw_first_event_seconds',
      'Seconds from an accepted request to its first event',
    );
    this.pictures = counter('easel_pictures_total', 'Finished pictures');
    this.tokens = counter('easel_tokens_total', 'Codes of pictures that were drawn');
    this.refused = new Counter({
      name: 'easel_refused_total',
      help: 'Requests that were refused because the server, or the share of a client, was full',
      labelNames: ['reason'],
      registers,
    });
    this.cancelled = counter('easel_cancelled_total', 'Requests that their client gave up');
    this.crashes = counter('easel_thread_crashes_total', 'Ends of the drawing thread by itself');
    gauge('easel_requests', 'Requests that are drawn or wait', ({ requests }) => requests);
    gauge('easel_queue_waiting', 'Requests of which no picture has been begun', ({ waiting }) => waiting);
    gauge('easel_batch_pictures', 'Pictures that are drawn together now', ({ drawing }) => drawing);
    gauge('easel_batch_slots', 'Pictures that are drawn together, at most', ({ slots }) => slots);
    gauge(
      'easel_tokens_per_second',
      'Codes a second while there was anything to draw, of the last seconds',
      ({ tokensPerSecond }) => tokensPerSecond ?? 0,
    );
    gauge('easel_ready', 'Whether requests are drawn', ({ ready }) => Number(ready));
    collectDefaultMetrics({ register: this.registry });

    function histogram(name: string, help: string): Histogram {
      return new Histogram({ name, help, buckets: SECONDS, registers });
    }
    function counter(name: string, help: string): Counter {
      return new Counter({ name, help, registers });
    }
    function gauge(name: string, help: string, value: (source: GaugeSource) => number): void {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(source()));
        },
      });
    }
  }
}
