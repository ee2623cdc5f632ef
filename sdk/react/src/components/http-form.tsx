/** Leaves for the page on which the organization's own processor shows its form. It comes back here. */
import { Actions, Text } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import type { ProcessorFormProps } from './payment-form.js';

export function HttpForm({ client, onCancel }: ProcessorFormProps) {
  const { p, t } = useUi();
  const form = new URL(client.clientSecret);
  form.searchParams.set('return_url', location.href);
  return (
    <Actions onCancel={onCancel}>
      <a {...p('button', 'primary')} href={form.href}>
        <Text>{t(client.type === 'setup' ? 'form.add' : 'form.confirm')}</Text>
      </a>
    </Actions>
  );
}
