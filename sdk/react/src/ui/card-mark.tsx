/** Our own drawings that tell the brands of cards apart. They are not the brands' logos. */
import { useUi } from './parts.js';

/** The color of the card and the word on it. */
const MARKS: Record<string, readonly [ground: string, word: string]> = {
  visa: ['#1a2b7c', 'VISA'],
  mastercard: ['#26262b', ''],
  amex: ['#2f6ea8', 'AMEX'],
  discover: ['#7d3c0f', 'DISC'],
  jcb: ['#1f6b45', 'JCB'],
};

/** Screen readers skip it: the text beside it names the brand. */
export function CardMark({ brand }: { brand: string }) {
  const { p } = useUi();
  const [ground, word] = MARKS[brand] ?? ['#5d696a', ''];
  return (
    <svg {...p('mark')} viewBox="0 0 32 20" aria-hidden="true">
      <rect width="32" height="20" rx="3" fill={ground} />
      {brand === 'mastercard' ? (
        <>
          <circle cx="12.5" cy="10" r="5.5" fill="#e2432c" />
          <circle cx="19.5" cy="10" r="5.5" fill="#f2a03d" fillOpacity=".9" />
        </>
      ) : null}
      {brand in MARKS ? null : <path d="M0 6h32" stroke="#fff" strokeWidth="3" />}
      <text x="16" y="13.4" fill="#fff" fontSize="9" fontWeight="700" textAnchor="middle">
        {word}
      </text>
    </svg>
  );
}
