/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/refusal.c: why a plugin was not taken, as a record. */
#include "plugin/refusal.h"

static const char *const step_names[] = {
  [ADZE_STEP_FIND] = "find",
  [ADZE_STEP_MANIFEST] = "manifest",
  [ADZE_STEP_SIGNATURE] = "signature",
  [ADZE_STEP_DIGEST] = "digest",
  [ADZE_STEP_ELF] = "elf",
  [ADZE_STEP_OPEN] = "open",
  [ADZE_STEP_SYMBOL] = "symbol",
  [ADZE_STEP_ENTRY] = "entry",
  [ADZE_STEP_MAGIC] = "magic",
  [ADZE_STEP_ABI] = "abi",
  [ADZE_STEP_FIELDS] = "fields",
  [ADZE_STEP_DUPLICATE] = "duplicate",
  [ADZE_STEP_LIBRARY] = "library",
  [ADZE_STEP_BINDING] = "binding",
  [ADZE_STEP_SELF_TEST] = "self-test",
  [ADZE_STEP_INIT] = "init",
};

const char *
adze_step_name (adze_step step)
{
  size_t index = (size_t)step;
  return index < ADZE_COUNT_OF (step_names) ? step_names[index] : "unknown";
}

adze_error *
adze_refusal (adze_status status, adze_step step, const char *path, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *reason = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!reason)
    return adze_error_memory ();
  adze_error *refusal = adze_error_new (status, "cannot use %s: %s", path, reason);
  adze_error_set (refusal, "step", adze_step_name (step));
  adze_error_set (refusal, "file", path);
  return refusal;
}

adze_error *
adze_refusal_facts (adze_error *refusal, const char *needed, const char *found, const char *hint)
{
  adze_error_set (refusal, "needed", needed);
  adze_error_set (refusal, "found", found);
  adze_error_set (refusal, "hint", hint);
  return refusal;
}
