import type { ReactNode } from 'react';

import { login, logout } from './actions';
import { signedIn } from './session';

/** Shows its children to a signed-in user. */
export async function Home({ children }: { children: ReactNode }) {
  const user = await signedIn();
  if (!user) return <Login />;
  return (
    <>
      <form action={logout}>
        Signed in as {user.name}. <button>Log out</button>
      </form>
      {children}
    </>
  );
}

function Login() {
  return (
    <form action={login}>
      <label>
        User{' '}
        <select name="user">
          <option value="ada">Ada</option>
          <option value="grace">Grace</option>
        </select>
      </label>{' '}
      <button>Log in</button>
    </form>
  );
}
