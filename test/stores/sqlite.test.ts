import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { storeContract } from '../contract/store.js';
import { openStore, temporaryDirectory } from './sqlite-rig.js';

storeContract('sqlite', async (limits) => {
  const directory = temporaryDirectory();
  const path = join(directory, 'bridge.db');
  let store = await openStore(path, limits);
  return {
    store,
    reopen: async () => {
      await store.close();
      return (store = await openStore(path, limits));
    },
    remove: async () => {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});
