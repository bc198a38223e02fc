import { sinkContract } from '../contract/sink.js';
import { startHttpReceiver } from '../receivers/http-receiver.js';

const CANARY = 'canary-4f1d0c';

sinkContract('http', async () => {
  const receiver = await startHttpReceiver();
  const url = receiver.url.replace('://', `://user:${CANARY}-userinfo@`);
  return {
    ...receiver,
    config: { type: 'http', url: `${url}/${CANARY}-path?token=${CANARY}-query`, headers: { authorization: `Bearer ${CANARY}-header` } },
    secrets: [CANARY],
    arrived: () =>
      Promise.resolve(
        receiver.received.map(({ headers, body }) => ({
          eventId: decodeURIComponent(String(headers['castbridge-event-id'])),
          deliveryId: String(headers['castbridge-delivery-id']),
          body,
        })),
      ),
    hang: () => {
      receiver.otherwise('hang');
      return Promise.resolve();
    },
    comeBack: async () => {
      receiver.otherwise({ status: 200 });
      await receiver.comeBack();
    },
    close: () => receiver.goAway(),
  };
});
