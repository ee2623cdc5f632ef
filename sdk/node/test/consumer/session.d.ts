/** The functions of an integrator's application that the guides use. */
declare module '@/session' {
  export function currentUser(request: Request): Promise<{ billingId: string } | null>;
}
