import { Billing } from './billing';
import { Home } from './home';

export default function Page() {
  return (
    <Home>
      <Billing />
    </Home>
  );
}
