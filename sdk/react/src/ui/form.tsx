/** Forms and their fields. */
import {
  useEffect,
  useId,
  useRef,
  useState,
  type ComponentProps,
  type SyntheticEvent,
} from 'react';

import type { ApiError } from '../core/errors.js';
import type { I18n } from '../react/i18n.js';
import {
  Actions,
  Button,
  Failure,
  Select,
  Text,
  type ActionsProps,
  type Option,
} from './elements.js';
import { useUi } from './parts.js';

interface FormProps extends ActionsProps {
  /** The label of the submit button; null hides it. */
  action: string | null;
  isBusy: boolean;
  error: ApiError | null;
  onSubmit: () => void;
}

/** A form. The browser checks its fields, and the fields say in our words what is wrong. */
export function Form({ action, isBusy, error, onSubmit, onCancel, children }: FormProps) {
  return (
    <form
      {...useUi().p('form')}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        // Each invalid field shows its own message.
        if (form.checkValidity()) {
          if (!isBusy) onSubmit();
        } else {
          form.querySelector<HTMLElement>('input:invalid, select:invalid')?.focus();
        }
      }}
    >
      {children}
      <Failure error={error} />
      <Actions onCancel={onCancel}>
        {action === null ? null : (
          <Button kind="primary" isSubmit isBusy={isBusy}>
            {action}
          </Button>
        )}
      </Actions>
    </form>
  );
}

interface FieldProps extends Pick<
  ComponentProps<'input'>,
  'autoComplete' | 'inputMode' | 'max' | 'min' | 'pattern' | 'required' | 'type'
> {
  label: string;
  value: string;
  /** Makes the field a menu of these. */
  options?: readonly Option[];
  hint?: string | undefined;
  /** The value is refused; `problem` says why. */
  isWrong?: boolean | undefined;
  /** A problem that the browser cannot find. Without `isWrong` it shows when the form is sent. */
  problem?: string | undefined;
  onValue: (value: string) => void;
}

export function Field(props: FieldProps) {
  const { label, options, hint, isWrong, problem = '', onValue: onChange, ...rest } = props;
  const ui = useUi();
  const { p, t } = ui;
  const id = useId();
  const noteId = `${id}note`;
  const input = useRef<HTMLInputElement>(null);
  const [invalid, setInvalid] = useState<string | null>(null);
  useEffect(() => {
    if (isWrong === undefined) input.current?.setCustomValidity(problem);
  }, [problem, isWrong]);
  const isInvalid = isWrong === true || invalid !== null;
  const note = invalid ?? (isWrong ? problem || t('error.field') : hint);
  const onValue = (value: string) => {
    setInvalid(null);
    onChange(value);
  };
  const onInvalid = (event: SyntheticEvent<HTMLInputElement | HTMLSelectElement>) => {
    event.preventDefault();
    setInvalid(problemText(event.currentTarget, ui));
  };
  const aria = {
    'aria-invalid': isInvalid || undefined,
    'aria-describedby': note ? noteId : undefined,
    onInvalid,
  };
  return (
    <div {...p('field')}>
      <label {...p('label')} htmlFor={id}>
        {label}
      </label>
      {options ? (
        <Select id={id} options={options} onValue={onValue} {...aria} {...rest} />
      ) : (
        <input
          {...p('input')}
          ref={input}
          id={id}
          dir="auto"
          onChange={(event) => {
            onValue(event.target.value);
          }}
          {...aria}
          {...rest}
        />
      )}
      {note ? (
        <span
          {...p('field-note', isInvalid && 'bad')}
          id={noteId}
          role={isInvalid ? 'alert' : undefined}
        >
          <Text>{note}</Text>
        </span>
      ) : null}
    </div>
  );
}

/** Returns the reason for which the browser finds a field invalid. */
function problemText(field: HTMLInputElement | HTMLSelectElement, { t, number }: I18n) {
  const { validity, validationMessage } = field;
  if (validity.valueMissing) return t('field.required');
  if (validity.customError) return validationMessage;
  if (field.type === 'email') return t('field.email');
  if (field.type !== 'number' || !('min' in field)) return t('field.amount');
  return t('field.number', { min: number(field.min), max: number(field.max) });
}

interface CheckProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function Check({ label, isOn, onChange }: CheckProps) {
  const { p } = useUi();
  return (
    <label {...p('choice-row')}>
      <input
        {...p('radio')}
        type="checkbox"
        checked={isOn}
        onChange={(event) => {
          onChange(event.target.checked);
        }}
      />
      <span {...p('choice-label')}>{label}</span>
    </label>
  );
}

interface ChoiceProps {
  label: string;
  options: readonly { value: string; label: string; detail?: string }[];
  value: string;
  onValue: (value: string) => void;
}

/** A group of radio buttons. */
export function Choice({ label, options, value, onValue }: ChoiceProps) {
  const { p } = useUi();
  const name = useId();
  return (
    <fieldset {...p('choice')}>
      <legend {...p('label')}>{label}</legend>
      {options.map((option) => (
        <label key={option.value} {...p('choice-row')}>
          <input
            {...p('radio')}
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => {
              onValue(option.value);
            }}
          />
          <span {...p('choice-label')}>{option.label}</span>
          {option.detail ? <span {...p('choice-detail')}>{option.detail}</span> : null}
        </label>
      ))}
    </fieldset>
  );
}

/** Offers another payment method after a decline, where the caller has one to offer. */
export function OtherMethod({ onClick }: { onClick: (() => void) | undefined }) {
  const { t } = useUi();
  if (!onClick) return null;
  return (
    <Actions>
      <Button kind="plain" onClick={onClick}>
        {t('pay.other')}
      </Button>
    </Actions>
  );
}
