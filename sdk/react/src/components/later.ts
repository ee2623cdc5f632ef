/** Parts of the cards that load after their first view. */
export { AddressLines } from './address-lines.js';
export { Chart } from './chart.js';
