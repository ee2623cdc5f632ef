/** Offers another payment method after a decline, where the caller has one to offer. */
import { Actions, Button } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';

export function OtherMethod({ onClick }: { onClick: (() => void) | undefined }) {
  const { t } = useUi();
  if (!onClick) return null;
  return (
    <Actions>
      <Button kind="plain" onClick={onClick}>
        {t('pay.other')}
      </Button>
    </Actions>
  );
}
