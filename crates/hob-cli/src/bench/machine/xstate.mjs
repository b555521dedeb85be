// Nanoseconds a step takes XState, for each machine of charts.rs; one JSON object on standard output.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const { createMachine, createActor, assign } = require('xstate');
const quick = process.argv.includes('--quick');

const context = { amount: 50, count: 0 };
const enough = ({ context }) => context.amount >= 10;
const machines = {
  flat: [{ initial: 'a', states: { a: { on: { go: 'b' } }, b: { on: { back: 'a' } } } }, ['go', 'back']],
  hierarchical: [
    {
      initial: 'p',
      states: {
        p: { initial: 'p1', on: { up: 'q' }, states: { p1: { on: { next: 'p2' } }, p2: { on: { never: 'p1' } } } },
        q: { initial: 'q1', on: { down: 'p' }, states: { q1: { on: { next: 'q2' } }, q2: { on: { never: 'q1' } } } },
      },
    },
    ['next', 'up', 'next', 'down'],
  ],
  parallel: [
    {
      type: 'parallel',
      states: {
        left: { initial: 'off', states: { off: { on: { tick: 'on' } }, on: { on: { tick: 'off' } } } },
        right: { initial: 'off', states: { off: { on: { tick: 'on' } }, on: { on: { tick: 'off' } } } },
      },
    },
    ['tick'],
  ],
  guarded: [
    { initial: 'a', states: { a: { on: { go: { target: 'b', guard: enough } } }, b: { on: { back: 'a' } } } },
    ['go', 'back'],
  ],
  alwaysGuarded: [
    {
      initial: 'a',
      states: {
        a: { on: { go: { target: 'b', guard: enough } } },
        b: { on: { back: { target: 'a', guard: enough } } },
      },
    },
    ['go', 'back'],
  ],
  guardedCounting: [
    {
      initial: 'a',
      states: {
        a: { on: { tick: { guard: enough, actions: assign({ count: ({ context }) => context.count + 1 }) } } },
      },
    },
    ['tick'],
  ],
  counting: [
    {
      initial: 'a',
      states: { a: { on: { tick: { actions: assign({ count: ({ context }) => context.count + 1 }) } } } },
    },
    ['tick'],
  ],
};

const [batches, calls] = quick ? [3, 400] : [40, 20000];
const result = {};
for (const [name, [config, names]] of Object.entries(machines)) {
  const actor = createActor(createMachine({ context, ...config })).start();
  const events = names.map((type) => ({ type }));
  let best = Infinity;
  for (let batch = 0; batch <= batches; batch++) {
    const began = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) actor.send(events[call % events.length]);
    best = Math.min(best, Number(process.hrtime.bigint() - began) / calls);
  }
  result[name] = best;
}
console.log(JSON.stringify(result));
