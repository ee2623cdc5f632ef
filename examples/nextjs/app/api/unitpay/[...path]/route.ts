import { portalProxy } from '@unitpay/node/next';

// For pages that may speak to their own origin alone.
export const { GET, POST, PUT, PATCH, DELETE } = portalProxy({ prefix: '/api/unitpay' });
