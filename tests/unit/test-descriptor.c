/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry returned: every way in which it can be wrong is refused in words, and old, short
 * and long structs become the host's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "plugin/descriptor.h"

#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(from, size) ((void)(from))
#define ASAN_UNPOISON_MEMORY_REGION(from, size) ((void)(from))
#endif

#define PATH "/somewhere/sample.so"

/* ---- A plugin without fault, to be spoilt one member at a time. */

static adze_status
sample_create (const adze_host *host, const adze_params *params, void **instance)
{
  (void)host;
  (void)params;
  *instance = NULL;
  return ADZE_OK;
}

static void
sample_destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static adze_status
sample_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)host;
  (void)instance;
  (void)call;
  (void)input;
  return ADZE_OK;
}

static adze_status
sample_event (const adze_host *host, void *instance, const adze_event *event)
{
  (void)host;
  (void)instance;
  (void)event;
  return ADZE_OK;
}

typedef struct sample {
  adze_param params[4];
  adze_port ports[4];
  adze_technique technique;
  adze_observer observer;
  adze_component components[2];
  const adze_component *list[3];
  adze_plugin plugin;
} sample;

static void
sample_tables (sample *s)
{
  s->params[0] = (adze_param){ .name = "sparsity", .type = ADZE_PARAM_FLOAT, .preset = "0.5",
                               .range = "[0, 1)", .help = "share of zeros" };
  s->params[1] = (adze_param){ .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "tensor",
                               .choices = "tensor|global", .unit = "of weights", .since = "0.2",
                               .help = "what is compared with what" };
  s->ports[0] = (adze_port){ "model", "model", ADZE_PORT_IN, 1, "what to prune" };
  s->ports[1] = (adze_port){ "model", "model", ADZE_PORT_OUT, 1, "what is left" };
  s->ports[2] = (adze_port){ "mask", "org.example.mask", ADZE_PORT_OUT, 0, NULL };
  s->technique = (adze_technique){ .struct_size = sizeof s->technique, .effect = ADZE_CHANGES,
                                   .ports = s->ports, .port_size = sizeof (adze_port),
                                   .create = sample_create, .destroy = sample_destroy,
                                   .apply = sample_apply };
  s->observer = (adze_observer){ .struct_size = sizeof s->observer, .event = sample_event };
}

/* The members point into *S: it must not be copied. */
static void
sample_fill (sample *s)
{
  memset (s, 0, sizeof *s);
  sample_tables (s);
  s->components[0] = (adze_component){
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_TECHNIQUE_REVISION,
    .kind = ADZE_TECHNIQUE, .id = "cut", .summary = "Cuts", .params = s->params,
    .param_size = sizeof (adze_param), .threading = ADZE_THREADS_PARALLEL,
    .callbacks = &s->technique
  };
  s->components[1] = (adze_component){
    .struct_size = sizeof (adze_component), .kind_revision = ADZE_OBSERVER_REVISION,
    .kind = ADZE_OBSERVER, .id = "look", .summary = "Looks", .threading = ADZE_THREADS_PLUGIN,
    .callbacks = &s->observer
  };
  s->list[0] = &s->components[0];
  s->list[1] = &s->components[1];
  s->plugin = (adze_plugin){ ADZE_PLUGIN_HEAD, .id = "sample", .version = "1.0.2",
                             .summary = "Shows what is right", .license = "Apache-2.0 OR MIT",
                             .components = s->list };
}

static const char *
fact (const adze_error *error, const char *name)
{
  const char *value = adze_error_fact (error, name);
  return value ? value : "(none)";
}

static void
assert_has (const char *text, const char *part)
{
  if (!strstr (text, part))
    fail_msg ("there is no \"%s\" in \"%s\"", part, text);
}

/* Checks RAW and expects a refusal: the step, and what message or facts must say. Whatever the
 * fault, the file is named, and what was needed and found, and what to do. */
static void
assert_refused (const adze_plugin *raw, adze_status status, const char *step, const char *message,
                const char *needed, const char *found)
{
  adze_descriptor *descriptor = NULL;
  adze_manifest *manifest = NULL;
  ADZE_AUTO_ERROR error
      = adze_descriptor_check (raw, PATH, &adze_profile_everyday, &descriptor, &manifest);
  if (!error)
    fail_msg ("not refused: %s", message);
  assert_null (descriptor);
  assert_null (manifest);
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  assert_has (text, message);
  assert_has (text, "cannot use " PATH);
  assert_string_equal (fact (error, "step"), step);
  assert_string_equal (fact (error, "file"), PATH);
  assert_has (fact (error, "needed"), needed);
  assert_has (fact (error, "found"), found);
  assert_string_not_equal (fact (error, "hint"), "(none)");
  assert_int_equal (adze_error_status (error), status);
}

#define REFUSES(fault, status, step, message, needed, found) \
  do { \
    sample s; \
    sample_fill (&s); \
    fault; \
    assert_refused (&s.plugin, status, step, message, needed, found); \
  } while (0)

#define REFUSES_FIELD(fault, message, needed, found) \
  REFUSES (fault, ADZE_E_CONTRACT, "fields", message, needed, found)

static const char *
hint_of (const adze_plugin *raw, char *text, size_t room)
{
  adze_manifest *manifest = NULL;
  ADZE_AUTO_ERROR error
      = adze_descriptor_check (raw, PATH, &adze_profile_everyday, NULL, &manifest);
  assert_non_null (error);
  snprintf (text, room, "%s", fact (error, "hint"));
  return text;
}

/* ---- What is accepted. */

static void
check_sound (const adze_plugin *raw, adze_descriptor **descriptor, adze_manifest **manifest)
{
  ADZE_AUTO_ERROR error
      = adze_descriptor_check (raw, PATH, &adze_profile_everyday, descriptor, manifest);
  if (error)
    fail_msg ("refused: %s", adze_error_text (error));
}

static void
a_sound_descriptor_becomes_a_manifest (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  ADZE_AUTO_MANIFEST manifest = NULL;
  check_sound (&s.plugin, NULL, &manifest);
  memset (&s, 0x5a, sizeof s); /* the manifest lives without the plugin */
  assert_string_equal (manifest->id, "sample");
  assert_string_equal (manifest->version, "1.0.2");
  assert_string_equal (manifest->summary, "Shows what is right");
  assert_string_equal (manifest->license, "Apache-2.0 OR MIT");
  assert_string_equal (manifest->file, "sample.so");
  assert_null (manifest->digest);
  assert_null (manifest->foreign);
  assert_int_equal (manifest->abi_major, 0);
  assert_int_equal (manifest->abi_minor, 1);
  assert_int_equal (manifest->component_count, 2);
  const adze_manifest_component *cut = adze_manifest_find (manifest, "cut");
  assert_string_equal (cut->kind, "technique");
  assert_int_equal (cut->kind_revision, ADZE_TECHNIQUE_REVISION);
  assert_string_equal (cut->summary, "Cuts");
  assert_int_equal (cut->threading, ADZE_THREADS_PARALLEL);
  assert_int_equal (cut->effect, ADZE_CHANGES);
  assert_int_equal (cut->param_count, 2);
  assert_string_equal (cut->params[0].range, "[0, 1)");
  assert_string_equal (cut->params[1].name, "scope");
  assert_int_equal (cut->params[1].type, ADZE_PARAM_CHOICE);
  assert_string_equal (cut->params[1].since, "0.2");
  assert_int_equal (cut->port_count, 3);
  assert_string_equal (cut->ports[2].type, "org.example.mask");
  assert_null (cut->ports[2].help);
  const adze_manifest_component *look = adze_manifest_find (manifest, "look");
  assert_int_equal (look->effect, 0);
  assert_int_equal (look->param_count, 0);
  assert_int_equal (look->port_count, 0);
}

static void
the_descriptor_has_the_hosts_own_tables (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  ADZE_AUTO_MANIFEST manifest = NULL;
  adze_descriptor *descriptor = NULL;
  check_sound (&s.plugin, &descriptor, &manifest);
  assert_int_equal (descriptor->component_count, 2);
  assert_null (descriptor->plugin.components);
  assert_ptr_equal (descriptor->components[0].callbacks, &descriptor->callbacks[0]);
  assert_ptr_equal (descriptor->callbacks[0].technique.apply, sample_apply);
  assert_ptr_equal (descriptor->callbacks[1].observer.event, sample_event);
  adze_descriptor_free (descriptor);
  adze_descriptor_free (NULL);
}

static void
a_technique_without_ports_has_the_usual_ones (void **state)
{
  (void)state;
  sample own;
  sample_fill (&own);
  own.technique.ports = NULL;
  own.technique.port_size = 0;
  own.technique.create = NULL;
  own.technique.destroy = NULL;
  ADZE_AUTO_MANIFEST manifest = NULL;
  check_sound (&own.plugin, NULL, &manifest);
  size_t count = 0;
  const adze_port *ports = adze_manifest_ports (&manifest->components[0], &count);
  assert_int_equal (count, 2);
  assert_string_equal (ports[1].name, "model");
  REFUSES (s.technique.ports = NULL; s.params[0].name = "model", ADZE_E_PARAM, "fields", "'model'",
           "", "");
}

/* ---- Structs of other sizes. Each lies at the end of a block of exactly its size, so that a
 * sanitizer or valgrind would see a byte too many being read. */

static void *
block_of (const void *from, size_t known, size_t size)
{
  unsigned char *block = malloc (size);
  assert_non_null (block);
  memset (block, 0x5a, size);
  memcpy (block, from, known < size ? known : size);
  memcpy (block, &(uint32_t){ (uint32_t)size }, sizeof (uint32_t));
  return block;
}

static void
longer_structs_of_a_later_sdk_are_cut (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  ADZE_AUTO_FREE void *technique = block_of (&s.technique, sizeof s.technique, 400);
  s.components[0].callbacks = technique;
  ADZE_AUTO_FREE void *component
      = block_of (&s.components[0], sizeof s.components[0], sizeof s.components[0] + 8);
  s.list[0] = component;
  ADZE_AUTO_FREE adze_plugin *plugin = malloc (ADZE_STRUCT_SIZE_MAX);
  assert_non_null (plugin);
  memset (plugin, 0x5a, ADZE_STRUCT_SIZE_MAX);
  memcpy (plugin, &s.plugin, sizeof s.plugin);
  plugin->struct_size = ADZE_STRUCT_SIZE_MAX;
  ADZE_AUTO_MANIFEST manifest = NULL;
  adze_descriptor *descriptor = NULL;
  check_sound (plugin, &descriptor, &manifest);
  assert_ptr_equal (descriptor->callbacks[0].technique.apply, sample_apply);
  assert_null (descriptor->plugin.init);
  adze_descriptor_free (descriptor);
}

static void
structs_of_the_first_release_are_accepted (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  size_t technique_size = offsetof (adze_technique, run) + sizeof s.technique.run;
  size_t component_size = offsetof (adze_component, callbacks) + sizeof (void *);
  size_t plugin_size = offsetof (adze_plugin, extension) + sizeof s.plugin.extension;
  ADZE_AUTO_FREE void *technique = block_of (&s.technique, sizeof s.technique, technique_size);
  s.components[0].callbacks = technique;
  ADZE_AUTO_FREE void *component
      = block_of (&s.components[0], sizeof s.components[0], component_size);
  s.list[0] = component;
  ADZE_AUTO_FREE adze_plugin *plugin = malloc (plugin_size);
  assert_non_null (plugin);
  memcpy (plugin, &s.plugin, plugin_size);
  plugin->struct_size = (uint32_t)plugin_size;
  ADZE_AUTO_MANIFEST manifest = NULL;
  check_sound (plugin, NULL, &manifest);
  assert_int_equal (manifest->component_count, 2);
}

static void
shorter_structs_are_refused_unread (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  ADZE_AUTO_FREE adze_plugin *magic_alone = malloc (sizeof (uint32_t));
  ADZE_AUTO_FREE adze_plugin *head = malloc (2 * sizeof (uint32_t));
  assert_non_null (magic_alone);
  assert_non_null (head);
  memcpy (magic_alone, &(uint32_t){ 0x464c457f }, sizeof (uint32_t));
  assert_refused (magic_alone, ADZE_E_ABI, "magic", "no descriptor", "0x455a4441", "0x464c457f");
  memcpy (head, (uint32_t[]){ ADZE_MAGIC, 8 }, 2 * sizeof (uint32_t));
  assert_refused (head, ADZE_E_ABI, "magic", "too short", "to 65536 bytes", "8 bytes");
  ADZE_AUTO_FREE void *technique = block_of (&s.technique, sizeof s.technique, 8);
  s.components[0].callbacks = technique;
  assert_refused (&s.plugin, ADZE_E_ABI, "fields", "component 'cut' cannot be read: its table",
                  "to 65536 bytes", "8 bytes");
  ADZE_AUTO_FREE void *component = block_of (&s.components[0], sizeof s.components[0], 4);
  s.list[1] = component;
  s.components[0].callbacks = &s.technique;
  assert_refused (&s.plugin, ADZE_E_ABI, "fields", "component number 2 cannot be read: its struct",
                  "to 65536 bytes", "4 bytes");
}

static void
absurd_sizes_are_refused (void **state)
{
  (void)state;
  REFUSES (s.plugin.struct_size = 65537, ADZE_E_ABI, "magic", "absurd", "to 65536 bytes",
           "65537 bytes");
  REFUSES (s.components[0].struct_size = 0xffffffff, ADZE_E_ABI, "fields", "absurd", "65536",
           "4294967295");
  REFUSES (s.technique.struct_size = 70000, ADZE_E_ABI, "fields", "absurd", "65536", "70000");
}

/* ---- Magic and contract. */

static void
what_is_no_descriptor_is_refused (void **state)
{
  (void)state;
  assert_refused (NULL, ADZE_E_ABI, "magic", "returned no descriptor", "adze_plugin", "NULL");
  REFUSES (s.plugin.magic = 0x455a4442; s.plugin.struct_size = 0, ADZE_E_ABI, "magic",
           "no descriptor", "0x455a4441", "0x455a4442");
}

static void
another_contract_is_refused_with_both_numbers (void **state)
{
  (void)state;
  char text[160];
  snprintf (text, sizeof text,
            "needs adze ABI 0.9 (adze 0.9 or later), this is adze %s with ABI 0.1",
            adze_version ());
  REFUSES (s.plugin.abi_minor = 9; s.plugin.id = NULL, ADZE_E_ABI, "abi", text, "ABI 0.9",
           "ABI 0.1");
  REFUSES (s.plugin.abi_major = 1; s.plugin.abi_minor = 0, ADZE_E_ABI, "abi",
           "needs adze ABI 1.0 (adze 1.0 or a later 1.x)", "ABI 1.0", "ABI 0.1");
}

static void
the_profile_says_which_contract_is_offered (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  s.plugin.abi_minor = 5;
  adze_profile later = adze_profile_everyday;
  later.abi_minor = 7;
  ADZE_AUTO_MANIFEST manifest = NULL;
  assert_null (adze_descriptor_check (&s.plugin, PATH, &later, NULL, &manifest));
  assert_int_equal (manifest->abi_minor, 5);
  adze_profile next = later;
  next.abi_major = 1;
  adze_manifest *none = NULL;
  ADZE_AUTO_ERROR error = adze_descriptor_check (&s.plugin, PATH, &next, NULL, &none);
  assert_has (adze_error_message (error), "needs adze ABI 0.5 (adze 0.5 or a later 0.x)");
  assert_null (none);
}

/* ---- Fields of the plugin. */

static void
texts_of_the_plugin_must_be_there_and_well_formed (void **state)
{
  (void)state;
  char long_text[300];
  memset (long_text, 'x', sizeof long_text);
  long_text[299] = '\0';
  REFUSES_FIELD (s.plugin.id = NULL, "has no .id", "lower case", "NULL");
  REFUSES_FIELD (s.plugin.id = "Sample", "has a bad .id", "lower case", "Sample");
  REFUSES_FIELD (s.plugin.id = "../up", "has a bad .id", "lower case", "../up");
  REFUSES_FIELD (s.plugin.version = NULL, "has no .version", "1.0.2", "NULL");
  REFUSES_FIELD (s.plugin.version = "", "has a bad .version", "1.0.2", "");
  REFUSES_FIELD (s.plugin.version = "1 0", "has a bad .version", "1.0.2", "1 0");
  REFUSES_FIELD (s.plugin.summary = NULL, "has no .summary", "one line", "NULL");
  REFUSES_FIELD (s.plugin.summary = "", "has a bad .summary", "one line", "");
  REFUSES_FIELD (s.plugin.summary = "a\nb", "has a bad .summary", "one line", "a?b");
  REFUSES_FIELD (s.plugin.summary = "\xff", "has a bad .summary", "UTF-8", "?");
  REFUSES_FIELD (s.plugin.summary = long_text, "has a bad .summary", "256", "xxx");
  REFUSES_FIELD (s.plugin.license = NULL, "has no .license", "SPDX", "NULL");
  REFUSES_FIELD (s.plugin.license = "", "has a bad .license", "SPDX", "");
  REFUSES_FIELD (s.plugin.license = "see\tfile", "has a bad .license", "SPDX", "see?file");
}

static void
there_must_be_components_and_an_end_of_them (void **state)
{
  (void)state;
  const adze_component *endless[ADZE_COMPONENT_MAX + 1];
  REFUSES_FIELD (s.plugin.components = NULL, "offers no component", "at least one", "NULL");
  REFUSES_FIELD (s.list[0] = NULL, "offers no component", "at least one", "empty list");
  REFUSES (for (size_t i = 0; i <= ADZE_COMPONENT_MAX; i++) endless[i] = &s.components[0];
           s.plugin.components = endless, ADZE_E_LIMIT, "fields",
           "a list of components without end", "at most 256", "257");
}

/* ---- Fields of a component. */

static void
kinds_must_be_known (void **state)
{
  (void)state;
  char hint[200];
  REFUSES (s.components[0].kind = "techniqe", ADZE_E_UNSUPPORTED, "fields",
           "component 'cut' is of the unknown kind 'techniqe'; this adze knows: technique, "
           "observer",
           "technique, observer", "techniqe");
  REFUSES_FIELD (s.components[0].kind = NULL, "has no .kind", "ADZE_TECHNIQUE", "NULL");
  REFUSES (s.components[0].kind = "x\x1b[2J", ADZE_E_UNSUPPORTED, "fields", "kind 'x?[2J'", "",
           "x?[2J");
  sample own;
  sample_fill (&own);
  own.components[0].kind = "obsrver";
  assert_string_equal (hint_of (&own.plugin, hint, sizeof hint), "did you mean 'observer'?");
  own.components[0].kind = "zzzzzzzzzzzzzzzz\x1b[2J";
  assert_has (hint_of (&own.plugin, hint, sizeof hint), "a later release");
}

static void
revisions_of_drafts_must_be_equal (void **state)
{
  (void)state;
  REFUSES (s.components[0].kind_revision = 1, ADZE_E_ABI, "fields",
           "against revision 1 of the kind 'technique', this adze has revision 2", "revision 2",
           "revision 1");
  REFUSES (s.components[1].kind_revision = 0, ADZE_E_ABI, "fields",
           "against revision 0 of the kind 'observer', this adze has revision 1", "revision 1",
           "revision 0");
}

static void
components_must_be_named_apart (void **state)
{
  (void)state;
  REFUSES (s.components[1].id = "cut", ADZE_E_DUPLICATE, "fields",
           "component 'cut' is there twice: as number 1 and 2", "unique", "cut");
  REFUSES_FIELD (s.components[1].id = NULL, "component number 2 has no .id", "lower case", "NULL");
  REFUSES_FIELD (s.components[1].id = "a b", "component number 2 has a bad .id", "lower case",
                 "a b");
  REFUSES_FIELD (s.components[1].summary = NULL, "component 'look' has no .summary", "one line",
                 "NULL");
}

static void
threading_must_be_known (void **state)
{
  (void)state;
  REFUSES_FIELD (s.components[0].threading = 0, "unknown threading 0", "ADZE_THREADS_PLUGIN", "0");
  REFUSES_FIELD (s.components[0].threading = 4, "unknown threading 4", "ADZE_THREADS_PARALLEL",
                 "4");
}

static void
callbacks_must_be_there (void **state)
{
  (void)state;
  REFUSES_FIELD (s.components[0].callbacks = NULL, "has no .callbacks", "adze_technique", "NULL");
  REFUSES_FIELD (s.technique.apply = NULL, "component 'cut' has no .apply", ".apply", "NULL");
  REFUSES_FIELD (s.observer.event = NULL, "component 'look' has no .event", ".event", "NULL");
  REFUSES_FIELD (s.technique.create = NULL, "has no .create", "there is a .destroy", "NULL");
  REFUSES_FIELD (s.technique.destroy = NULL, "has no .destroy", "there is a .create", "NULL");
  REFUSES_FIELD (s.observer.create = sample_create, "has no .destroy", "a .create", "NULL");
  REFUSES_FIELD (s.technique.effect = 0, "unknown effect 0", "ADZE_CHANGES", "0");
  REFUSES_FIELD (s.technique.effect = 3, "unknown effect 3", "ADZE_INSPECTS", "3");
}

/* ---- Tables whose rows end in a NULL name. */

/* A row of a later SDK. */
typedef struct longer_param {
  adze_param row;
  const char *news[3];
} longer_param;

static void
rows_are_read_at_the_plugins_stride (void **state)
{
  (void)state;
  sample s;
  sample_fill (&s);
  longer_param rows[3] = { { .row = s.params[0], .news = { "?", "?", "?" } },
                           { .row = s.params[1], .news = { "?", "?", "?" } },
                           { .row = { .name = NULL } } };
  s.components[0].params = &rows[0].row;
  s.components[0].param_size = sizeof rows[0];
  ADZE_AUTO_MANIFEST manifest = NULL;
  check_sound (&s.plugin, NULL, &manifest);
  assert_int_equal (manifest->components[0].param_count, 2);
  assert_string_equal (manifest->components[0].params[1].name, "scope");
}

static void
strides_must_be_sane (void **state)
{
  (void)state;
  REFUSES_FIELD (s.components[0].param_size = 0, "has the .param_size 0", "to 4096", "0");
  REFUSES_FIELD (s.components[0].param_size = sizeof (adze_param) - 8, "has the .param_size",
                 "multiple of 8", "64");
  REFUSES_FIELD (s.components[0].param_size = sizeof (adze_param) + 4, "has the .param_size",
                 "multiple of 8", "76");
  REFUSES_FIELD (s.components[0].param_size = 4104, "has the .param_size", "to 4096", "4104");
  REFUSES_FIELD (s.technique.port_size = 1, "has the .port_size", "to 4096", "1");
}

static void
tables_without_end_are_refused (void **state)
{
  (void)state;
  static adze_param rows[ADZE_PARAM_MAX + 1];
  static adze_port ports[ADZE_PORT_MAX + 1];
  REFUSES (for (size_t i = 0; i <= ADZE_PARAM_MAX; i++) rows[i] = s.params[0];
           s.components[0].params = rows, ADZE_E_LIMIT, "fields",
           "a table of parameters without end", "at most 256", "257");
  REFUSES (for (size_t i = 0; i <= ADZE_PORT_MAX; i++) ports[i] = s.ports[2];
           s.technique.ports = ports, ADZE_E_LIMIT, "fields", "a table of ports without end",
           "at most 64", "65");
  REFUSES_FIELD (s.params[1].type = 11, "row 2 of it is none", ".type from 1 to 10", ".type = 11");
  REFUSES_FIELD (s.ports[2].direction = 0, "row 3 of it is none", ".direction from 1 to 2",
                 ".direction = 0");
  REFUSES_FIELD (s.ports[0].name = NULL, "a table of ports with nothing in it", "at least one",
                 "none");
  sample own;
  sample_fill (&own);
  own.params[1].type = 0;
  char hint[200];
  assert_string_equal (hint_of (&own.plugin, hint, sizeof hint),
                       "the last row of the table must be { .name = NULL }");
}

/* What lies behind a table belongs to something else. Looking at it is how a missing end is found,
 * and no sanitizer must stop the host for it. */
static void
looking_behind_a_table_is_not_reported (void **state)
{
  (void)state;
  static struct {
    adze_param rows[1];
    uint64_t others[9];
  } table = { { { .name = "a", .type = ADZE_PARAM_BOOL, .preset = "true", .help = "b" } },
              { 1, 77, 3, 4, 5, 6, 7, 8, 9 } };
  ASAN_POISON_MEMORY_REGION (table.others, sizeof table.others);
  REFUSES_FIELD (s.components[0].params = table.rows, "row 2 of it is none", ".type",
                 ".type = 77");
  ASAN_UNPOISON_MEMORY_REGION (table.others, sizeof table.others);
}

#define REFUSES_PARAM(fault, status, message) REFUSES (fault, status, "fields", message, "", "")

static void
rows_must_make_sense (void **state)
{
  (void)state;
  REFUSES_PARAM (s.params[1].name = "sparsity", ADZE_E_DUPLICATE, "sparsity");
  REFUSES_PARAM (s.params[1].name = "on-fallback", ADZE_E_PARAM,
                 "the parameters of component 'cut' are not sound");
  REFUSES_PARAM (s.params[1].name = "mask", ADZE_E_PARAM, "mask");
  REFUSES_PARAM (s.params[1].name = "Big", ADZE_E_PARAM, "Big");
  REFUSES_PARAM (s.params[0].preset = "1.5", ADZE_E_PARAM, "sparsity");
  REFUSES_PARAM (s.params[0].help = NULL, ADZE_E_PARAM, "sparsity");
  REFUSES_PARAM (s.ports[2].name = "model", ADZE_E_DUPLICATE, "model");
  char *endless = malloc (20000);
  assert_non_null (endless);
  memset (endless, 'x', 19999);
  endless[19999] = '\0';
  REFUSES_PARAM (s.params[0].help = endless, ADZE_E_PARAM, "4096");
  free (endless);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_sound_descriptor_becomes_a_manifest),
    cmocka_unit_test (the_descriptor_has_the_hosts_own_tables),
    cmocka_unit_test (a_technique_without_ports_has_the_usual_ones),
    cmocka_unit_test (longer_structs_of_a_later_sdk_are_cut),
    cmocka_unit_test (structs_of_the_first_release_are_accepted),
    cmocka_unit_test (shorter_structs_are_refused_unread),
    cmocka_unit_test (absurd_sizes_are_refused),
    cmocka_unit_test (what_is_no_descriptor_is_refused),
    cmocka_unit_test (another_contract_is_refused_with_both_numbers),
    cmocka_unit_test (the_profile_says_which_contract_is_offered),
    cmocka_unit_test (texts_of_the_plugin_must_be_there_and_well_formed),
    cmocka_unit_test (there_must_be_components_and_an_end_of_them),
    cmocka_unit_test (kinds_must_be_known),
    cmocka_unit_test (revisions_of_drafts_must_be_equal),
    cmocka_unit_test (components_must_be_named_apart),
    cmocka_unit_test (threading_must_be_known),
    cmocka_unit_test (callbacks_must_be_there),
    cmocka_unit_test (rows_are_read_at_the_plugins_stride),
    cmocka_unit_test (strides_must_be_sane),
    cmocka_unit_test (tables_without_end_are_refused),
    cmocka_unit_test (looking_behind_a_table_is_not_reported),
    cmocka_unit_test (rows_must_make_sense),
  };
  return cmocka_run_group_tests_name ("descriptor", tests, NULL, NULL);
}
