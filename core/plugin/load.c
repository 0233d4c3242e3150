/* SPDX-License-Identifier: Apache-2.0 */
/* The stations of a plugin's way into a process, in order. */
#include "plugin/load.h"

#include "plugin/doctor/doctor.h"
#include "plugin/doctor/elf.h"

static void
no_progress (void *context, adze_step step)
{
  (void)context;
  (void)step;
}

static adze_error *
open_module (const char *path, bool builtin, adze_load_progress progress, void *context,
             adze_module **module)
{
  if (builtin)
    return adze_module_builtin (path, module);
  progress (context, ADZE_STEP_ELF);
  ADZE_TRY (adze_elf_precheck (path));
  progress (context, ADZE_STEP_OPEN);
  adze_error *refusal = adze_module_open (path, module);
  if (refusal)
    adze_doctor_explain (path, refusal);
  return refusal;
}

static adze_error *
call_entry (const char *path, adze_module *module, const adze_plugin **raw)
{
  void *address = NULL;
  adze_error *refusal = adze_module_symbol (module, path, ADZE_PLUGIN_ENTRY, &address);
  if (refusal)
    return adze_refusal_facts (refusal, "an exported function " ADZE_PLUGIN_ENTRY,
                               "no symbol of that name",
                               "end the source with ADZE_PLUGIN_REGISTER (name, descriptor) and "
                               "export the symbol");
  adze_plugin_entry entry;
  /* ISO C has no conversion between the two kinds of pointer; POSIX promises this one. */
  *(void **)&entry = address;
  *raw = entry ();
  if (*raw)
    return NULL;
  return adze_refusal_facts (
      adze_refusal (ADZE_E_CONTRACT, ADZE_STEP_ENTRY, path, "its entry returned NULL"),
      "the address of a constant descriptor", "NULL", "return &descriptor, whatever happens");
}

adze_error *
adze_load (const char *path, bool builtin, const adze_profile *profile,
           adze_load_progress progress, void *context, adze_opened *opened)
{
  const adze_plugin *raw = NULL;
  if (!progress)
    progress = no_progress;
  ADZE_TRY (open_module (path, builtin, progress, context, &opened->module));
  progress (context, ADZE_STEP_ENTRY);
  ADZE_TRY (call_entry (path, opened->module, &raw));
  progress (context, ADZE_STEP_FIELDS);
  return adze_descriptor_check (raw, path, profile, &opened->descriptor, &opened->manifest);
}

void
adze_opened_cleanup (adze_opened *opened)
{
  adze_descriptor_free (opened->descriptor);
  adze_manifest_free (opened->manifest);
  adze_module_free (opened->module);
  *opened = (adze_opened){ 0 };
}
