/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about the plugin as a whole: its file, its entry, its descriptor. */
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"
#include "plugin/doctor/doctor.h"
#include "plugin/doctor/elf.h"
#include "plugin/probe.h"

/* ---- The file. */

adze_error *
adze_case_elf (adze_case *one)
{
  ADZE_AUTO_VALUE report = NULL;
  ADZE_AUTO_ELF elf = NULL;
  ADZE_TRY (adze_doctor_examine (one->path, &report));
  const adze_value *healthy = adze_value_get (report, "healthy");
  if (!healthy || !healthy->boolean) {
    ADZE_AUTO (adze_buffer) text = { 0 };
    adze_doctor_write (report, &text);
    return adze_error_new (ADZE_E_FORMAT, "%s", text.data ? text.data : "the doctor finds fault");
  }
  ADZE_TRY (adze_elf_read (one->path, &elf));
  for (size_t i = 0; i < elf->symbol_count; i++) {
    const adze_elf_symbol *symbol = &elf->symbols[i];
    /* Weak ones are C++'s templates and the toolchain's own. */
    if (symbol->defined && !symbol->weak && strcmp (symbol->name, ADZE_PLUGIN_ENTRY) != 0)
      return adze_error_new (ADZE_E_CONTRACT,
                             "it exports '%s'; a plugin exports " ADZE_PLUGIN_ENTRY
                             " alone: compile with -fvisibility=hidden",
                             symbol->name);
  }
  return NULL;
}

/* ---- Loading. */

adze_error *
adze_case_load (adze_case *one)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_profile_everyday, &bench);
  if (!error)
    error = adze_runtime_end (bench.runtime);
  adze_bench_close (&bench);
  return error;
}

adze_error *
adze_case_load_worker (adze_case *one)
{
  ADZE_AUTO_MANIFEST manifest = NULL;
  return adze_probe_plugin (one->worker, one->path, &manifest);
}

/* One start and end; *KEPT: how many blocks of malloc there are more than before. */
static adze_error *
start_and_end (adze_case *one, int64_t *kept)
{
  const adze_allocator *allocator = adze_kit_allocator ();
  int64_t before = allocator ? allocator->live () : 0;
  ADZE_TRY (adze_case_load (one));
  *kept = allocator ? allocator->live () - before : 0;
  return NULL;
}

/* init and deinit must stand being called again after each other. What libraries and the runtime
 * set up once stays after the first starts; what is still kept after MOST is lost at each. */
adze_error *
adze_case_load_again (adze_case *one)
{
  enum { LEAST = 3, MOST = 6 };
  int64_t kept = 0;
  for (int i = 0; i < LEAST || (kept > 0 && i < MOST); i++)
    ADZE_TRY (start_and_end (one, &kept));
  if (kept <= 0)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT,
                         "each start and end of the plugin keeps %lld block%s of malloc: free in "
                         "deinit what init allocated",
                         (long long)kept, kept == 1 ? "" : "s");
}

adze_error *
adze_case_manifest (adze_case *one)
{
  size_t length = strlen (one->path);
  ADZE_AUTO_FREE char *path
      = length > 3 ? adze_text_format ("%.*s.toml", (int)length - 3, one->path) : NULL;
  ADZE_AUTO_MANIFEST stamped = NULL;
  ADZE_AUTO_MANIFEST binary = NULL;
  if (!path)
    return adze_error_memory ();
  if (access (path, F_OK) != 0) {
    snprintf (one->skipped, sizeof one->skipped, "there is no manifest beside it");
    return NULL;
  }
  ADZE_TRY (adze_manifest_read (path, &stamped));
  ADZE_TRY (adze_probe_plugin (one->worker, one->path, &binary));
  return adze_manifest_compare (one->path, stamped, binary);
}

/* ---- The same descriptor, as if another SDK had made it. */

enum { ROOM = 4096 };

typedef union doctored {
  adze_plugin plugin;
  unsigned char bytes[ROOM];
} doctored;

/* The plugin's descriptor in a larger space, whose rest is no zeros. */
static adze_error *
copy_descriptor (const adze_case *one, adze_module **module, doctored *copy)
{
  void *address = NULL;
  adze_plugin_entry entry;
  ADZE_TRY (adze_module_open (one->path, module));
  ADZE_TRY (adze_module_symbol (*module, one->path, ADZE_PLUGIN_ENTRY, &address));
  *(void **)&entry = address;
  const adze_plugin *raw = entry ();
  if (!raw || raw->struct_size > ROOM)
    return adze_error_new (ADZE_E_CONTRACT, "its descriptor cannot be copied");
  memset (copy->bytes, 0xa5, sizeof copy->bytes);
  memcpy (copy->bytes, raw, raw->struct_size);
  return NULL;
}

/* STEP: where it is to be refused; NULL: it is to be taken. */
static adze_error *
expect (const adze_case *one, const adze_plugin *raw, const char *what, const char *step)
{
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_ERROR refusal
      = adze_descriptor_check (raw, one->path, &adze_profile_everyday, NULL, &manifest);
  if (!step)
    return refusal ? adze_error_wrap (adze_take (&refusal), "%s is not taken", what) : NULL;
  const char *found = refusal ? adze_error_fact (refusal, "step") : NULL;
  if (!refusal)
    return adze_error_new (ADZE_E_CONTRACT, "%s is taken", what);
  if (found && strcmp (found, step) == 0)
    return NULL;
  return adze_error_wrap (adze_take (&refusal), "%s is refused at another step than %s", what,
                          step);
}

static adze_error *
doctor_and_expect (adze_case *one, void (*change) (adze_plugin *), const char *what,
                   const char *step)
{
  adze_module *module = NULL;
  doctored copy;
  adze_error *error = copy_descriptor (one, &module, &copy);
  if (!error) {
    change (&copy.plugin);
    error = expect (one, &copy.plugin, what, step);
  }
  adze_module_free (module);
  return error;
}

static void
make_short (adze_plugin *plugin)
{
  plugin->struct_size = offsetof (adze_plugin, version);
}

static void
make_long (adze_plugin *plugin)
{
  plugin->struct_size += 128;
}

static void
make_old (adze_plugin *plugin)
{
  plugin->abi_minor = 0;
}

static void
make_future_minor (adze_plugin *plugin)
{
  plugin->abi_minor = ADZE_ABI_MINOR + 1;
}

static void
make_future_major (adze_plugin *plugin)
{
  plugin->abi_major = ADZE_ABI_MAJOR + 1;
}

adze_error *
adze_case_descriptor_short (adze_case *one)
{
  return doctor_and_expect (one, make_short, "a descriptor that is cut off", "magic");
}

adze_error *
adze_case_descriptor_long (adze_case *one)
{
  return doctor_and_expect (one, make_long, "a descriptor with members of a later SDK", NULL);
}

adze_error *
adze_case_descriptor_old (adze_case *one)
{
  return doctor_and_expect (one, make_old, "a descriptor that needs less", NULL);
}

adze_error *
adze_case_descriptor_future_minor (adze_case *one)
{
  return doctor_and_expect (one, make_future_minor, "a descriptor that needs a later minor",
                            "abi");
}

adze_error *
adze_case_descriptor_future_major (adze_case *one)
{
  return doctor_and_expect (one, make_future_major, "a descriptor of a later major", "abi");
}
