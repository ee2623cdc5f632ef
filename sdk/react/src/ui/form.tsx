/** Forms and their fields. */
import { useId, type ComponentProps } from 'react';

import type { ApiError } from '../core/errors.js';
import { Actions, Button, Failure, Select, type ActionsProps, type Option } from './elements.js';
import { useUi } from './parts.js';

interface FormProps extends ActionsProps {
  /** The label of the submit button; null hides it. */
  action: string | null;
  isBusy: boolean;
  error: ApiError | null;
  onSubmit: () => void;
}

export function Form({ action, isBusy, error, onSubmit, onCancel, children }: FormProps) {
  return (
    <form
      {...useUi().p('form')}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) onSubmit();
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
  /** The server refused the value. */
  isWrong?: boolean | undefined;
  onValue: (value: string) => void;
}

export function Field(props: FieldProps) {
  const { label, options, hint, isWrong, onValue, ...rest } = props;
  const { p, t } = useUi();
  const id = useId();
  const noteId = `${id}note`;
  const note = isWrong ? t('error.field') : hint;
  const aria = {
    'aria-invalid': isWrong,
    'aria-describedby': note ? noteId : undefined,
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
        <span {...p('field-note', isWrong && 'bad')} id={noteId}>
          {note}
        </span>
      ) : null}
    </div>
  );
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
