import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { Billing } from './billing.jsx';

function App() {
  const [user, setUser] = useState();
  useEffect(() => {
    fetch('/api/me')
      .then((answer) => answer.json())
      .then(({ user }) => setUser(user));
  }, []);
  if (user === undefined) return null;
  return user ? <Home user={user} onLeave={() => setUser(null)} /> : <Login onUser={setUser} />;
}

function Login({ onUser }) {
  async function login(form) {
    const answer = await fetch('/api/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: form.get('user') }),
    });
    if (answer.ok) onUser((await answer.json()).user);
  }
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

function Home({ user, onLeave }) {
  async function logout() {
    const answer = await fetch('/api/logout', { method: 'POST' });
    if (answer.ok) onLeave();
  }
  return (
    <>
      <form action={logout}>
        Signed in as {user}. <button>Log out</button>
      </form>
      <Billing />
    </>
  );
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
