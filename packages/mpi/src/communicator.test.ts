import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { describeRanks, startRanks } from '../testing/ranks.js';
import { launchedBy, libraryName } from './launch.js';

jest.setTimeout(300_000);

const exercise = join(import.meta.dirname, '../testing/exercise.mjs');

describeRanks('the communicator', () => {
  test.each([1, 3])('on %i ranks: sums, broadcasts, gathers, waits, ranks that give up', async (ranks) => {
    expect(await startRanks(ranks, [exercise]).ended).toEqual({
      code: 0,
      stdout: `${ranks} ranks\n`,
      stderr: '',
    });
  });
});

test('a launcher is seen by its variables, if it has started several processes', () => {
  expect(launchedBy({})).toBeUndefined();
  expect(launchedBy({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' })).toBeUndefined();
  expect(launchedBy({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2' })).toEqual({ rank: 0, size: 2 });
  expect(launchedBy({ PMI_RANK: '2', PMI_SIZE: '4' })).toEqual({ rank: 2, size: 4 });
  expect(launchedBy({ PMIX_RANK: '1', SLURM_NTASKS: '3' })).toEqual({ rank: 1, size: 3 });
  expect(launchedBy({ SLURM_NTASKS: '3' })).toBeUndefined();
});

test('the name of a library in its long version', () => {
  expect(libraryName('Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4')).toBe('Open MPI v4.1.4');
  expect(libraryName('MPICH Version:\t4.0.2\nMPICH Release date: x')).toBe('MPICH 4.0.2');
});
