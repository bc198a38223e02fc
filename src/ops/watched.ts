import type { Telemetry } from '../core/telemetry.js';
import type { Readiness } from './readiness.js';

/** The telemetry, with what follows from some of its facts. */
export function watched(telemetry: Telemetry, { facts }: Readiness, wakeLanes: () => void): Telemetry {
  return {
    ...telemetry,
    backlogUnreadable: (fact) => {
      telemetry.backlogUnreadable(fact);
      facts.backlogUnreadable(fact);
    },
    backlogReadable: (fact) => {
      telemetry.backlogReadable(fact);
      facts.backlogReadable(fact);
    },
    laneHeld: (fact) => {
      telemetry.laneHeld(fact);
      facts.laneHeld(fact);
    },
    lanePaused: (fact) => {
      telemetry.lanePaused(fact);
      facts.lanePaused(fact);
    },
    laneResumed: (fact) => {
      telemetry.laneResumed(fact);
      facts.laneResumed(fact);
    },
    laneEnded: (fact) => {
      telemetry.laneEnded(fact);
      facts.laneEnded(fact);
    },
    pollStopped: (fact) => {
      telemetry.pollStopped(fact);
      facts.pollStopped(fact);
    },
    pollEnded: (fact) => {
      telemetry.pollEnded(fact);
      facts.pollEnded(fact);
    },
    reloaded: (fact) => {
      telemetry.reloaded(fact);
      facts.reloaded(fact);
    },
    reloadRefused: (fact) => {
      telemetry.reloadRefused(fact);
      facts.reloadRefused(fact);
    },
    storeRecovered: (fact) => {
      telemetry.storeRecovered(fact);
      // A commit whose answer was lost has left deliveries that no lane was told of; the sender's next try is a duplicate.
      wakeLanes();
    },
  };
}
