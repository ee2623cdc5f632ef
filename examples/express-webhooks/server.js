import { UnitPay, WebhookVerificationError } from '@unitpay/node';
import express from 'express';

const app = express();
const seen = new Set();

// The signature is of the bytes that arrived, so this route takes the body before any JSON parser.
app.post('/hook', express.raw({ type: 'application/json' }), async (request, response) => {
  const secret = process.env.UNITPAY_WEBHOOK_SECRET;
  const event = await UnitPay.verifyWebhook(request.body, request.headers, secret);
  // An event may arrive more than once. Your database would remember the ids.
  if (!seen.has(event.id)) {
    seen.add(event.id);
    handle(event);
  }
  response.status(204).end();
});

function handle(event) {
  switch (event.type) {
    case 'customer.created':
      console.log(`customer ${event.data.object.id} was created`);
      break;
    case 'invoice.paid':
      console.log(`invoice ${event.data.object.invoiceNumber} was paid`);
      break;
    default:
      console.log(`${event.type} ${event.data.object.id}`);
  }
}

app.use((error, request, response, next) => {
  if (!(error instanceof WebhookVerificationError)) return next(error);
  console.error(`refused a webhook: ${error.reason}`);
  response.status(400).json({ error: error.reason });
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => server.close());
