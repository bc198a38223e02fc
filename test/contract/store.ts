import { describe } from 'vitest';
import { accepting } from './store/accepting.js';
import { delivering } from './store/delivering.js';
import { forwarding } from './store/forwarding.js';
import { keeping } from './store/keeping.js';
import { listing } from './store/listing.js';
import { modelled } from './store/model.js';
import { ordering } from './store/ordering.js';
import type { OpenFresh } from './store/rig.js';

/** What every store passes. `open` opens one that holds nothing; what it does with `reopen` is as near to a restart as it can come. */
export function storeContract(name: string, open: OpenFresh): void {
  describe(`store contract: ${name}`, () => {
    accepting(open);
    delivering(open);
    forwarding(open);
    ordering(open);
    listing(open);
    keeping(open);
    modelled(open);
  });
}
