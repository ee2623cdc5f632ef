import type { Metadata } from 'next';
import type { ReactNode } from 'react';

export const metadata: Metadata = { title: 'Nimbus', icons: 'data:,' };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body style={{ margin: '1.5rem', font: '1rem/1.5 system-ui' }}>{children}</body>
    </html>
  );
}
