import { ProxiedBilling } from '../billing';
import { Home } from '../home';

export default function Page() {
  return (
    <Home>
      <ProxiedBilling />
    </Home>
  );
}
