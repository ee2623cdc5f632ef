/** What the guides take from the integrator's own application. */
declare module '@/session' {
  export function currentUser(request: Request): Promise<{ billingId: string } | null>;
}
