/* SPDX-License-Identifier: Apache-2.0 */
/* npy: a source of arrays that numpy has saved, one in a .npy file or several in an .npz archive.
 * The first dimension counts the examples. */
#include <inttypes.h>

#include "npy.h"

static const adze_param params[] = {
  { .name = "path", .type = ADZE_PARAM_FILE, .help = "the .npy or .npz file" },
  { .name = "members", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "which arrays of an .npz file to take, in this order; empty: all" },
  { .name = "column", .type = ADZE_PARAM_STRING, .preset = "data",
    .help = "what the one array of a .npy file is called" },
  { .name = NULL }
};

typedef struct npy {
  const char *path;
  npy_array *arrays;
  size_t count;
  npy_zip zip; /* while the file is opened */
} npy;

static void
close_npy (const adze_host *host, void *instance)
{
  npy *self = (npy *)instance;
  for (size_t i = 0; i < self->count; i++)
    npy_array_release (host, &self->arrays[i]);
  host->release (host, self->arrays);
  npy_zip_release (&self->zip);
  host->release (host, self);
}

/* ---- Arrays. */

static char *
copy_text (const adze_host *host, const char *before, const char *text, size_t size)
{
  size_t length = strlen (before);
  char *copy = (char *)host->allocate (host, length + size + 1);
  if (copy) {
    memcpy (copy, before, length);
    memcpy (copy + length, text, size);
  }
  return copy;
}

/* One more array, whose bytes the caller fills in. */
static adze_status
add_array (const adze_host *host, npy *self, const char *name, size_t size, npy_array **array)
{
  *array = &self->arrays[self->count++];
  (*array)->name = copy_text (host, "", name, size);
  (*array)->where = copy_text (host, self->path, "", 0);
  if ((*array)->name && (*array)->where)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_MEMORY, "no room for the name of an array");
}

static adze_status
make_room (const adze_host *host, npy *self, size_t count)
{
  self->arrays = (npy_array *)host->allocate (host, count * sizeof *self->arrays);
  if (self->arrays)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_MEMORY, "no room for %zu arrays", count);
}

static adze_status
open_single (const adze_host *host, npy *self, adze_file *file, const char *column)
{
  npy_array *array;
  adze_status status = make_room (host, self, 1);
  if (status == ADZE_OK)
    status = add_array (host, self, column, strlen (column), &array);
  if (status != ADZE_OK)
    return status;
  array->bytes = (npy_bytes){ .file = file, .size = adze_file_size (host, file) };
  return npy_array_open (host, array);
}

/* ---- Archives. */

/* The length of the array's name: the member's without its ending. 0: it is no array. */
static size_t
array_name_size (const npy_member *member)
{
  static const char ending[] = ".npy";
  size_t size = sizeof ending - 1;
  if (member->name_size <= size
      || memcmp (member->name + member->name_size - size, ending, size) != 0)
    return 0;
  return member->name_size - size;
}

static adze_status
open_member (const adze_host *host, npy *self, const npy_member *member)
{
  npy_array *array;
  size_t size = array_name_size (member);
  adze_status status = add_array (host, self, member->name, size, &array);
  if (status != ADZE_OK)
    return status;
  host->release (host, array->where);
  array->where = (char *)host->allocate (host, strlen (self->path) + size + 16);
  if (!array->where)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the name of an array");
  sprintf (array->where, "%s, array %s", self->path, array->name);
  status = npy_zip_read (host, &self->zip, member, &array->bytes);
  return status == ADZE_OK ? npy_array_open (host, array) : status;
}

static adze_status
named_member (const adze_host *host, npy *self, const char *name, const npy_member **found)
{
  char known[512] = "";
  size_t used = 0;
  *found = NULL;
  for (size_t i = 0; i < self->zip.count; i++) {
    const npy_member *member = &self->zip.members[i];
    size_t size = array_name_size (member);
    if (size > 0 && size == strlen (name) && memcmp (member->name, name, size) == 0) {
      *found = member;
      return ADZE_OK;
    }
    if (size > 0 && used < sizeof known - 64)
      used += (size_t)snprintf (known + used, sizeof known - used, "%s'%.*s'", used ? ", " : "",
                                (int)(size < 40 ? size : 40), member->name);
  }
  return adze_fail (host, ADZE_E_PARAM, "%s has no array '%.60s'; it has %s", self->path, name,
                    used ? known : "none");
}

static adze_status
open_named (const adze_host *host, npy *self, const adze_params *names)
{
  const adze_params_service *service = adze_params_of (host);
  size_t count = service->count (names);
  adze_status status = make_room (host, self, count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const npy_member *member;
    status = named_member (host, self,
                           service->get_string (names, service->name_at (names, i)), &member);
    if (status == ADZE_OK)
      status = open_member (host, self, member);
  }
  return status;
}

static adze_status
open_archive (const adze_host *host, npy *self, adze_file *file, const adze_params *names)
{
  adze_status status = npy_zip_open (host, file, self->path, &self->zip);
  if (status != ADZE_OK || adze_params_of (host)->count (names) > 0)
    return status == ADZE_OK ? open_named (host, self, names) : status;
  status = make_room (host, self, self->zip.count + 1);
  for (size_t i = 0; status == ADZE_OK && i < self->zip.count; i++)
    if (array_name_size (&self->zip.members[i]) > 0)
      status = open_member (host, self, &self->zip.members[i]);
  if (status == ADZE_OK && self->count == 0)
    return adze_fail (host, ADZE_E_FORMAT, "%s is an archive without arrays (names in .npy)",
                      self->path);
  return status;
}

/* ---- Opening. */

static adze_status
declare (const adze_host *host, const npy *self, const npy_array *array, adze_schema *schema)
{
  const npy_form *form = &array->form;
  if (form->shape[0] != self->arrays[0].form.shape[0])
    return adze_fail (host, ADZE_E_FORMAT,
                      "%s: the array '%s' has %" PRId64 " examples (its first dimension), and '%s' "
                      "has %" PRId64 "; say in 'members' which ones belong together",
                      self->path, array->name, form->shape[0], self->arrays[0].name,
                      self->arrays[0].form.shape[0]);
  const adze_column column = { .name = array->name,
                               .rank = form->rank - 1,
                               .dtype = form->dtype,
                               .shape = form->shape + 1 };
  return adze_schema_of (host)->column (host, schema, &column);
}

static adze_status
open_parts (const adze_host *host, const adze_params *values, adze_schema *schema, npy *self)
{
  adze_file *file;
  unsigned char head[2] = { 0 };
  const adze_params *names = adze_params_of (host)->get_nested (values, "members");
  self->path = adze_param_string (host, values, "path");
  adze_status status = adze_files_of (host)->open (host, self->path, &file);
  if (status == ADZE_OK)
    status = adze_file_read_at (host, file, 0, head, sizeof head);
  if (status != ADZE_OK)
    return status;
  if (memcmp (head, "PK", 2) == 0)
    status = open_archive (host, self, file, names);
  else if (adze_params_of (host)->count (names) > 0)
    status = adze_fail (host, ADZE_E_PARAM,
                        "%s is no archive, so that 'members' can choose nothing in it", self->path);
  else
    status = open_single (host, self, file, adze_param_string (host, values, "column"));
  for (size_t i = 0; status == ADZE_OK && i < self->count; i++)
    status = declare (host, self, &self->arrays[i], schema);
  if (status != ADZE_OK)
    return status;
  npy_zip_release (&self->zip);
  self->zip = (npy_zip){ 0 };
  return adze_schema_of (host)->count (host, schema, (uint64_t)self->arrays[0].form.shape[0]);
}

static adze_status
open_npy (const adze_host *host, const adze_params *values, adze_schema *schema, void **instance)
{
  npy *self = (npy *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = open_parts (host, values, schema, self);
  if (status == ADZE_OK)
    *instance = self;
  else
    close_npy (host, self);
  return status;
}

/* ---- Reading. */

static adze_status
read_npy (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
          adze_batch *batch)
{
  const npy *self = (const npy *)instance;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->count; i++) {
    unsigned char *room = (unsigned char *)adze_batch_of (host)->room (host, batch, i);
    if (!room)
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu examples", count);
    status = npy_array_read (host, &self->arrays[i], examples, count, room);
  }
  return status;
}

static const adze_source callbacks = {
  .struct_size = sizeof callbacks,
  .open = open_npy,
  .close = close_npy,
  .read = read_npy,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SOURCE_REVISION,
  .kind = ADZE_SOURCE,
  .id = "npy",
  .summary = "Arrays that numpy has saved, in .npy and .npz files",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "npy",
  .version = "0.1.0",
  .summary = "Arrays of numpy",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (npy, plugin);
