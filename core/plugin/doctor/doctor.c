/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/doctor.c: one file, examined without running anything of it. */
#define _GNU_SOURCE 1 /* ST_NOEXEC */

#include "plugin/doctor/doctor.h"

#include <adze/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/json.h"
#include "plugin/doctor/examination.h"

#define ABI_TEXT 80

static void
examination_cleanup (adze_examination *examination)
{
  adze_value_free (examination->report);
  adze_value_free (examination->problems);
  adze_value_free (examination->warnings);
  adze_closure_cleanup (&examination->closure);
  adze_closure_cleanup (&examination->program);
  adze_search_cleanup (&examination->search);
}

/* ---- The file by itself. */

/* What the reader of ELF files refuses is a problem like any other. */
static adze_error *
report_refusal (adze_examination *examination, adze_error *refusal)
{
  if (adze_error_status (refusal) == ADZE_E_MEMORY)
    return refusal;
  adze_value *report = examination->report;
  const char *machine = adze_error_fact (refusal, "machine");
  if (machine) {
    char running[ADZE_ELF_KIND_TEXT];
    adze_value *table = adze_json_table (report, "machine");
    adze_doctor_put (table, "found", machine);
    adze_doctor_put (table, "running", adze_elf_own_kind (running));
  }
  bool find = strcmp (adze_error_fact (refusal, "step"), adze_step_name (ADZE_STEP_FIND)) == 0;
  adze_finding finding = { find ? ADZE_STEP_FIND : ADZE_STEP_ELF,
                           adze_error_fact (refusal, "needed"), adze_error_fact (refusal, "found"),
                           adze_error_fact (refusal, "hint") };
  adze_doctor_add (examination->problems, &finding, "%s", adze_error_message (refusal));
  adze_error_free (refusal);
  return NULL;
}

static void
report_machine (adze_examination *examination)
{
  char running[ADZE_ELF_KIND_TEXT];
  adze_elf_own_kind (running);
  adze_value *table = adze_json_table (examination->report, "machine");
  adze_doctor_put (table, "found", running); /* another one was refused before */
  adze_doctor_put (table, "running", running);
}

static const char *
abi_hint (const adze_elf *elf)
{
  if (elf->abi_major == ADZE_ABI_MAJOR)
    return "install the release of adze that it needs, or a later one of the same major; or build "
           "it with an older ADZE_API_VERSION, if it can do without what is new";
  return elf->abi_major > ADZE_ABI_MAJOR
             ? "install the release of adze that it needs"
             : "build it again with the headers of this release (pkg-config adze-sdk)";
}

/* Releases are numbered so that the contract's numbers are the first two of their own. */
static const char *
abi_text (uint32_t major, uint32_t minor, const char *later, char text[ABI_TEXT])
{
  snprintf (text, ABI_TEXT, "ABI %u.%u (adze %u.%u%s)", major, minor, major, minor, later);
  return text;
}

static void
report_abi (adze_examination *examination, const adze_elf *elf)
{
  char needed[ABI_TEXT], offered[ABI_TEXT];
  abi_text (ADZE_ABI_MAJOR, ADZE_ABI_MINOR, "", offered);
  adze_value *table = adze_json_table (examination->report, "abi");
  if (elf->has_note)
    adze_doctor_put (table, "needed",
                     abi_text (elf->abi_major, elf->abi_minor, " or later", needed));
  adze_doctor_put (table, "offered", offered);
  if (!elf->has_note)
    return;
  bool compatible = elf->abi_major == ADZE_ABI_MAJOR && elf->abi_minor <= ADZE_ABI_MINOR;
  adze_json_bool (table, "compatible", compatible);
  adze_finding finding = { ADZE_STEP_ABI, needed, offered, abi_hint (elf) };
  if (!compatible)
    adze_doctor_add (examination->problems, &finding,
                     "it was built for another contract than this host keeps");
}

/* An entry by a name that is nearly right, and why. */
static const char *
entry_hint (const adze_elf *elf, const char **found)
{
  static const char mangled[] = "_Z10adze_entryv";
  static const char built_in[] = "_LTX_" ADZE_PLUGIN_ENTRY;
  for (size_t i = 0; i < elf->symbol_count; i++) {
    const char *name = elf->symbols[i].name;
    size_t size = strlen (name);
    if (!elf->symbols[i].defined)
      continue;
    if (strncmp (name, mangled, sizeof mangled - 1) == 0) {
      *found = name;
      return "declare the entry extern \"C\", or let ADZE_PLUGIN_REGISTER write it";
    }
    if (size >= sizeof built_in && strcmp (name + size - sizeof built_in + 1, built_in) == 0) {
      *found = name;
      return "it was compiled to be linked into a program: compile it with -fPIC -DPIC and "
             "without ADZE_PLUGIN_STATIC";
    }
  }
  *found = "no such symbol";
  return "end the plugin with ADZE_PLUGIN_REGISTER (name, descriptor); a version script or "
         "-fvisibility must not hide " ADZE_PLUGIN_ENTRY;
}

static void
report_entry (adze_examination *examination, const adze_elf *elf)
{
  bool there = false;
  for (size_t i = 0; i < elf->symbol_count; i++)
    there = there
            || (elf->symbols[i].defined && strcmp (elf->symbols[i].name, ADZE_PLUGIN_ENTRY) == 0);
  adze_json_bool (examination->report, "entry", there);
  if (there)
    return;
  const char *found = NULL;
  const char *hint = entry_hint (elf, &found);
  adze_finding finding = { ADZE_STEP_SYMBOL, ADZE_PLUGIN_ENTRY ", exported", found, hint };
  adze_doctor_add (examination->problems, &finding, "it has no entry: it is no plugin of adze");
}

/* The dynamic linker keeps some room for such variables of libraries that come late: 512 bytes for
 * all of them, where nothing else was asked for. */
static void
report_static_tls (adze_examination *examination, const adze_elf *elf)
{
  if (elf->static_tls <= 512)
    return;
  char needed[80], hint[160];
  snprintf (needed, sizeof needed, "%" PRIu64 " bytes of static thread-local memory",
            elf->static_tls);
  snprintf (hint, sizeof hint,
            "compile it without -ftls-model=initial-exec, or set "
            "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=%" PRIu64 " in the environment",
            elf->static_tls > UINT32_MAX ? UINT32_MAX : elf->static_tls + 512);
  adze_finding finding = { ADZE_STEP_OPEN, needed, "a reserve of about 512 bytes", hint };
  adze_doctor_add (examination->warnings, &finding,
                   "its thread-local variables may not fit when it is loaded at run time");
}

/* What keeps the system from mapping it, or will keep a stricter one. */
static void
report_mapping (adze_examination *examination, const adze_elf *elf)
{
  struct statvfs system;
  if (statvfs (elf->path, &system) == 0 && (system.f_flag & ST_NOEXEC) != 0)
    adze_doctor_add (examination->problems,
                     &(adze_finding){ ADZE_STEP_OPEN, "a file system that code may run from",
                                      "one that is mounted noexec", "move it to another folder" },
                     "it lies where no code may run");
  if (elf->not_for_dlopen)
    adze_doctor_add (examination->problems,
                     &(adze_finding){ ADZE_STEP_OPEN, "a library that may be loaded at run time",
                                      "the flag NOOPEN", "link it without -z nodlopen" },
                     "it forbids to be loaded at run time");
  report_static_tls (examination, elf);
  if (elf->text_relocations)
    adze_doctor_add (examination->warnings,
                     &(adze_finding){ ADZE_STEP_OPEN, "position-independent code",
                                      "relocations of its code (TEXTREL)",
                                      "compile all of it with -fPIC" },
                     "its code has to be made writable to load it; hardened systems refuse that");
  if (elf->executable_stack)
    adze_doctor_add (
        examination->warnings,
        &(adze_finding){ ADZE_STEP_OPEN, "a stack that holds no code",
                         "a request for one that does (PT_GNU_STACK)",
                         "link with -z noexecstack; in assembler sources add "
                         ".section .note.GNU-stack,\"\",@progbits" },
        "it asks for an executable stack; newer systems refuse that");
}

/* ---- Its libraries. */

static void
report_needed_by (adze_value *entry, const adze_closure *closure, size_t index)
{
  adze_value *list = adze_json_list (entry, "needed-by");
  for (size_t i = 0; i < closure->count; i++) {
    const adze_library *library = &closure->libraries[i];
    for (size_t k = 0; library->elf && k < library->elf->needed_count; k++)
      if (library->needs && library->needs[k] == index) {
        adze_doctor_put (list, NULL, adze_doctor_name (library));
        break;
      }
  }
}

static void
report_missing (adze_examination *examination, const adze_library *library)
{
  const adze_library *asker = &examination->closure.libraries[library->asker];
  ADZE_AUTO_FREE char *found = adze_text_format ("none of that name in %s", library->searched);
  ADZE_AUTO_FREE char *hint = adze_text_format (
      "install it (on Debian `apt-file search %s` names the package); where it lies in a folder of "
      "its own, name that in LD_LIBRARY_PATH, or link with -Wl,-rpath,FOLDER ($ORIGIN stands for "
      "the plugin's own)",
      adze_path_base (library->name));
  if (!found || !hint)
    examination->problems->failed = true;
  adze_finding finding = { ADZE_STEP_OPEN, library->name, found, hint };
  adze_doctor_add (examination->problems, &finding, "the library %s, which %s needs, is missing",
                   library->name, adze_doctor_name (asker));
}

static void
report_unusable (adze_examination *examination, const adze_library *library)
{
  const adze_error *trouble = library->trouble;
  adze_finding finding
      = { ADZE_STEP_OPEN, adze_error_fact (trouble, "needed"), adze_error_fact (trouble, "found"),
          "install the package that it belongs to again, in this system's architecture" };
  adze_doctor_add (examination->problems, &finding, "a library that it needs is of no use: %s",
                   adze_error_message (trouble));
}

static void
report_libraries (adze_examination *examination)
{
  const adze_closure *closure = &examination->closure;
  adze_value *list = adze_json_list (examination->report, "libraries");
  for (size_t i = 1; i < closure->count; i++) {
    const adze_library *library = &closure->libraries[i];
    adze_value *entry = adze_json_table (list, NULL);
    adze_doctor_put (entry, "name", library->name);
    if (library->elf)
      adze_doctor_put (entry, "found-at", library->path);
    else if (library->trouble)
      adze_doctor_put (entry, "unusable", library->path);
    else
      adze_json_bool (entry, "missing", true);
    report_needed_by (entry, closure, i);
    if (library->trouble)
      report_unusable (examination, library);
    else if (!library->elf)
      report_missing (examination, library);
  }
  char most[32];
  snprintf (most, sizeof most, "at most %d libraries", ADZE_CLOSURE_MAX);
  adze_finding finding = { ADZE_STEP_OPEN, most, "more", "this is no sensible file" };
  if (closure->too_many)
    adze_doctor_add (examination->problems, &finding, "it draws in too many libraries");
}

/* ---- All of it. */

static adze_error *
examine_elf (adze_examination *examination, adze_elf *elf)
{
  adze_error *error = adze_closure_of_program (&examination->search, &examination->program);
  if (error) {
    adze_elf_free (elf);
    return error;
  }
  ADZE_TRY (adze_closure_of_file (&examination->search, &examination->program, elf,
                                  &examination->closure));
  report_machine (examination);
  report_abi (examination, elf);
  report_entry (examination, elf);
  report_mapping (examination, elf);
  report_libraries (examination);
  ADZE_TRY (adze_doctor_versions (examination));
  return adze_doctor_symbols (examination);
}

/* The file as it is named in the report; where it cannot be found, as it was named to us. */
static adze_error *
name_file (const char *path, char **absolute)
{
  adze_error *error = adze_path_absolute (path, absolute);
  if (error && adze_error_status (error) == ADZE_E_MEMORY)
    return error;
  if (error)
    *absolute = strdup (path);
  adze_error_free (error);
  return *absolute ? NULL : adze_error_memory ();
}

static adze_error *
examine (adze_examination *examination, const char *path)
{
  ADZE_AUTO_FREE char *absolute = NULL;
  ADZE_TRY (name_file (path, &absolute));
  adze_value *report = examination->report;
  adze_doctor_put (report, "file", absolute);
  adze_value *healthy = adze_json_bool (report, "healthy", false);
  if (!healthy)
    return adze_error_memory ();
  adze_elf *elf = NULL;
  adze_error *error = adze_elf_read (absolute, &elf);
  ADZE_TRY (error ? report_refusal (examination, error) : examine_elf (examination, elf));
  healthy->boolean = examination->problems->count == 0;
  ADZE_TRY (adze_value_append (report, "problems", adze_take (&examination->problems)));
  ADZE_TRY (adze_value_append (report, "warnings", adze_take (&examination->warnings)));
  return adze_json_failed (report) ? adze_error_memory () : NULL;
}

adze_error *
adze_doctor_examine (const char *path, adze_value **report)
{
  __attribute__ ((cleanup (examination_cleanup))) adze_examination examination
      = { .report = adze_value_new (ADZE_VALUE_TABLE),
          .problems = adze_value_new (ADZE_VALUE_LIST),
          .warnings = adze_value_new (ADZE_VALUE_LIST) };
  if (!examination.report || !examination.problems || !examination.warnings)
    return adze_error_memory ();
  ADZE_TRY (examine (&examination, path));
  *report = adze_take (&examination.report);
  return NULL;
}

/* ---- For a refusal. */

static const char *
text_of (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_STRING ? value->string : NULL;
}

/* The dynamic linker stops at the first fault that it meets: of ours, the first of its own step,
 * failing that the first, and failing that what is only doubtful. */
static const adze_value *
likely_reason (const adze_value *report)
{
  const adze_value *problems = adze_value_get (report, "problems");
  const adze_value *warnings = adze_value_get (report, "warnings");
  for (size_t i = 0; problems && i < problems->count; i++)
    if (strcmp (text_of (problems->items[i], "step"), adze_step_name (ADZE_STEP_OPEN)) == 0)
      return problems->items[i];
  if (problems && problems->count)
    return problems->items[0];
  return warnings && warnings->count ? warnings->items[0] : NULL;
}

void
adze_doctor_explain (const char *path, adze_error *refusal)
{
  ADZE_AUTO_VALUE report = NULL;
  ADZE_AUTO_ERROR error = adze_doctor_examine (path, &report);
  if (error)
    return; /* for want of memory: the refusal stands without */
  const adze_value *reason = likely_reason (report);
  if (reason) {
    adze_error_set (refusal, "needed", text_of (reason, "needed"));
    adze_error_set (refusal, "found", text_of (reason, "found"));
    adze_error_set (refusal, "hint", text_of (reason, "hint"));
    return;
  }
  adze_error_set (refusal, "needed", "a file that the dynamic linker takes");
  adze_error_set (refusal, "found",
                  "its libraries, symbols and versions are all there, as far as can be read");
  adze_error_set (refusal, "hint",
                  "run it again with LD_DEBUG=all in the environment to see where loading stops");
}
