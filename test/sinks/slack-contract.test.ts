import { sinkContract } from '../contract/sink.js';
import { startSlackStandIn } from '../receivers/slack-stand-in.js';

sinkContract('slack', async () => {
  const slack = await startSlackStandIn();
  return {
    ...slack,
    config: { type: 'slack', webhookUrl: slack.webhookUrl, text: '{{ event.id }}' },
    secrets: ['/services/T00000000'],
    arrived: () => Promise.resolve(slack.posted.map(({ text }) => ({ eventId: text ?? '', deliveryId: null, body: null }))),
    hang: () => {
      slack.otherwise('hang');
      return Promise.resolve();
    },
    comeBack: async () => {
      slack.otherwise(null);
      await slack.comeBack();
    },
    close: () => slack.goAway(),
  };
});
