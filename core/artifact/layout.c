/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/layout.c: adze.cargo/1 and adze.layout/1: what there is to be written, and where a format
 * says it goes. Nothing is written here. */
#include "artifact/layout.h"

#include <inttypes.h>
#include <string.h>

#include "artifact/blocks.h"

/* ---- Cargo. */

static bool
cargo_allowed (const adze_host *host, const adze_cargo *cargo, const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return false;
  const adze_format_session *session = adze_desk_own (desk);
  if (cargo && session->cargo == cargo)
    return true;
  adze_desk_broken ("it called %s with a cargo that is not this callback's", function);
  return false;
}

static size_t
cargo_count (const adze_host *host, const adze_cargo *cargo)
{
  return cargo_allowed (host, cargo, ADZE_CARGO " count") ? cargo->model->count : 0;
}

static adze_status
cargo_tensor (const adze_host *host, const adze_cargo *cargo, size_t index, adze_tensor_meta *meta)
{
  if (!cargo_allowed (host, cargo, ADZE_CARGO " tensor"))
    return ADZE_E_CONTRACT;
  if (index >= cargo->model->count) {
    adze_desk_broken ("it asked for tensor number %zu of a cargo of %zu", index,
                      cargo->model->count);
    return ADZE_E_CONTRACT;
  }
  const adze_tensor_meta *bytes = cargo->as_bytes ? cargo->as_bytes[index] : NULL;
  *meta = bytes ? *bytes : cargo->model->tensors[index].meta;
  return ADZE_OK;
}

static void
cargo_metadata (const adze_host *host, const adze_cargo *cargo, size_t index, adze_text *key,
                const adze_meta **value)
{
  *key = (adze_text){ NULL, 0 };
  *value = NULL;
  if (!cargo_allowed (host, cargo, ADZE_CARGO " metadata"))
    return;
  const adze_metadata *metadata = &cargo->model->metadata;
  if (index < metadata->count) {
    const adze_metadata_entry *entry = &metadata->entries[index];
    *key = (adze_text){ entry->key, entry->key_size };
    *value = &entry->value;
  } else if (index == metadata->count && cargo->traits) {
    *key = (adze_text){ ADZE_TRAITS_KEY, strlen (ADZE_TRAITS_KEY) };
    *value = &cargo->traits_value;
  }
}

static const void *
cargo_part (const adze_host *host, const adze_cargo *cargo, const char *id, size_t *size)
{
  *size = 0;
  if (!cargo_allowed (host, cargo, ADZE_CARGO " part") || !id)
    return NULL;
  const adze_model_part *part = adze_model_part_find (cargo->model, id);
  if (!part)
    return NULL;
  *size = part->size;
  return part->data;
}

static const char *
cargo_part_id (const adze_host *host, const adze_cargo *cargo, size_t index)
{
  if (!cargo_allowed (host, cargo, ADZE_CARGO " part_id") || index >= cargo->model->part_count)
    return NULL;
  return cargo->model->parts[index].id;
}

static const char *
cargo_file_name (const adze_host *host, const adze_cargo *cargo)
{
  return cargo_allowed (host, cargo, ADZE_CARGO " file_name") ? cargo->file_name : "";
}

static int
cargo_retyped (const adze_host *host, const adze_cargo *cargo, size_t index)
{
  return cargo_allowed (host, cargo, ADZE_CARGO " retyped") && index < cargo->model->count
         && cargo->model->tensors[index].retyped;
}

static const char *
cargo_source (const adze_host *host, const adze_cargo *cargo)
{
  return cargo_allowed (host, cargo, ADZE_CARGO " source") ? cargo->model->format : NULL;
}

const adze_cargo_service adze_cargos = { .struct_size = sizeof adze_cargos,
                                         .count = cargo_count,
                                         .tensor = cargo_tensor,
                                         .metadata = cargo_metadata,
                                         .part = cargo_part,
                                         .part_id = cargo_part_id,
                                         .file_name = cargo_file_name,
                                         .retyped = cargo_retyped,
                                         .source = cargo_source };

/* ---- Layout. */

static bool
layout_allowed (const adze_host *host, const adze_layout *layout, const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return false;
  const adze_format_session *session = adze_desk_own (desk);
  if (layout && session->layout == layout)
    return true;
  adze_desk_broken ("it called %s with a layout that is not this callback's", function);
  return false;
}

static adze_status
broken (adze_layout *layout, const char *message)
{
  layout->refused = true;
  adze_desk_broken ("%s", message);
  return ADZE_E_CONTRACT;
}

static adze_status
answer (adze_layout *layout, adze_error *error)
{
  if (!error)
    return ADZE_OK;
  layout->refused = true;
  return adze_desk_fail (layout->session->desk, error);
}

/* A name that stays in the folder, and is no other's. */
static adze_error *
check_file_name (const adze_layout *layout, const char *name)
{
  if (name[0] == '\0' || name[0] == '.' || strchr (name, '/'))
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' cannot be the name of a file beside %s: needed is a name without "
                           "folder that does not begin with a dot",
                           name, layout->files[0].name);
  for (uint32_t i = 0; i < layout->file_count; i++)
    if (strcmp (layout->files[i].name, name) == 0)
      return adze_error_new (ADZE_E_DUPLICATE, "two files would be called '%s'", name);
  return NULL;
}

static adze_error *
add_file (adze_layout *layout, const char *name)
{
  adze_layout_file *grown
      = reallocarray (layout->files, (size_t)layout->file_count + 1, sizeof *layout->files);
  if (!grown)
    return adze_error_memory ();
  layout->files = grown;
  grown[layout->file_count] = (adze_layout_file){ .name = strdup (name) };
  if (!grown[layout->file_count].name)
    return adze_error_memory ();
  layout->file_count++;
  return NULL;
}

static adze_status
layout_file (const adze_host *host, adze_layout *layout, const char *name, uint32_t *number)
{
  *number = 0;
  if (!layout_allowed (host, layout, ADZE_LAYOUT " file"))
    return ADZE_E_CONTRACT;
  if (!name)
    return broken (layout, "it asked for a file without a name");
  adze_error *error = check_file_name (layout, name);
  if (!error)
    error = add_file (layout, name);
  if (error)
    return answer (layout, error);
  *number = layout->file_count - 1;
  return ADZE_OK;
}

static adze_layout_file *
file_of (const adze_host *host, adze_layout *layout, uint32_t number, const char *function)
{
  if (!layout_allowed (host, layout, function))
    return NULL;
  if (number < layout->file_count)
    return &layout->files[number];
  broken (layout, "it wrote to a file that it has not asked for");
  return NULL;
}

static adze_error *
lengthen (adze_layout_file *file, uint64_t size)
{
  if (size <= INT64_MAX - file->length) {
    file->length += size;
    return NULL;
  }
  return adze_error_new (ADZE_E_LIMIT, "%s would be longer than a file can be", file->name);
}

/* Bytes that follow other bytes belong to the same piece. */
static adze_error *
add_bytes (adze_layout_file *file, const void *bytes, size_t size)
{
  adze_layout_piece *last = file->piece_count ? &file->pieces[file->piece_count - 1] : NULL;
  size_t at = file->literals.size;
  adze_buffer_add (&file->literals, bytes, size);
  if (file->literals.failed)
    return adze_error_memory ();
  if (last && last->offset + last->size == file->length) {
    last->size += size;
    return lengthen (file, size);
  }
  if (file->piece_count == file->piece_capacity) {
    size_t capacity = file->piece_capacity * 2 + 4;
    adze_layout_piece *grown = reallocarray (file->pieces, capacity, sizeof *grown);
    if (!grown)
      return adze_error_memory ();
    file->pieces = grown;
    file->piece_capacity = capacity;
  }
  file->pieces[file->piece_count++] = (adze_layout_piece){ file->length, at, size };
  return lengthen (file, size);
}

static adze_status
layout_bytes (const adze_host *host, adze_layout *layout, uint32_t number, const void *bytes,
              size_t size)
{
  adze_layout_file *file = file_of (host, layout, number, ADZE_LAYOUT " bytes");
  if (!file)
    return ADZE_E_CONTRACT;
  if (size == 0)
    return ADZE_OK;
  if (!bytes)
    return broken (layout, "it wrote bytes from nowhere");
  return answer (layout, add_bytes (file, bytes, size));
}

static adze_status
layout_tensor (const adze_host *host, adze_layout *layout, uint32_t number, size_t index)
{
  adze_layout_file *file = file_of (host, layout, number, ADZE_LAYOUT " tensor");
  if (!file)
    return ADZE_E_CONTRACT;
  if (index >= layout->model->count)
    return broken (layout, "it placed a tensor that the cargo does not have");
  if (layout->places[index].file != ADZE_NOT_PLACED)
    return broken (layout, "it placed a tensor twice");
  layout->places[index] = (adze_layout_place){ number, file->length };
  return answer (layout, lengthen (file, layout->model->tensors[index].meta.byte_size));
}

static adze_status
layout_align (const adze_host *host, adze_layout *layout, uint32_t number, uint64_t alignment)
{
  adze_layout_file *file = file_of (host, layout, number, ADZE_LAYOUT " align");
  if (!file)
    return ADZE_E_CONTRACT;
  if (alignment == 0)
    return broken (layout, "it aligned to 0");
  uint64_t over = file->length % alignment;
  return answer (layout, over ? lengthen (file, alignment - over) : NULL);
}

static uint64_t
layout_length (const adze_host *host, const adze_layout *layout, uint32_t number)
{
  /* The cast takes nothing away: a wrong number has to be remembered. */
  const adze_layout_file *file
      = file_of (host, (adze_layout *)layout, number, ADZE_LAYOUT " length");
  return file ? file->length : 0;
}

const adze_layout_service adze_layouts = { .struct_size = sizeof adze_layouts,
                                           .file = layout_file,
                                           .bytes = layout_bytes,
                                           .tensor = layout_tensor,
                                           .align = layout_align,
                                           .length = layout_length };

/* ---- Making one. */

void
adze_layout_free (adze_layout *layout)
{
  if (!layout)
    return;
  for (uint32_t i = 0; i < layout->file_count; i++) {
    free (layout->files[i].name);
    free (layout->files[i].pieces);
    adze_buffer_cleanup (&layout->files[i].literals);
  }
  free (layout->files);
  free (layout->places);
  free (layout);
}

static adze_error *
new_layout (adze_format_session *session, const adze_model *model, const char *name,
            adze_layout **layout)
{
  *layout = calloc (1, sizeof **layout);
  if (!*layout)
    return adze_error_memory ();
  (*layout)->session = session;
  (*layout)->model = model;
  (*layout)->places = calloc (model->count + 1, sizeof *(*layout)->places);
  if (!(*layout)->places)
    return adze_error_memory ();
  for (size_t i = 0; i < model->count; i++)
    (*layout)->places[i].file = ADZE_NOT_PLACED;
  return add_file (*layout, name);
}

static adze_error *
call_write (adze_format_session *session, const adze_cargo *cargo, adze_layout *layout)
{
  if (!session->callbacks.write)
    return adze_error_new (ADZE_E_UNSUPPORTED, "the format '%s' only reads",
                           session->component->id);
  session->cargo = cargo;
  session->layout = layout;
  adze_session_enter (session);
  adze_status status = session->callbacks.write (adze_desk_table (session->desk), session->params,
                                                 cargo, layout);
  adze_error *error = adze_session_leave (session, "write", status);
  session->cargo = NULL;
  session->layout = NULL;
  return error;
}

/* Nothing may be lost on the way, least of all in silence. */
static adze_error *
check_complete (const adze_layout *layout)
{
  const char *format = layout->session->component->id;
  if (layout->refused)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the format '%s' says that all is laid out, and the host had refused a "
                           "part of it",
                           format);
  for (size_t i = 0; i < layout->model->count; i++)
    if (layout->places[i].file == ADZE_NOT_PLACED)
      return adze_error_new (ADZE_E_CONTRACT, "the format '%s' left out the tensor '%s'", format,
                             layout->model->tensors[i].meta.name);
  return NULL;
}

static void
cargo_cleanup (adze_cargo *cargo)
{
  for (size_t i = 0; cargo->as_bytes && i < cargo->model->count; i++)
    free (cargo->as_bytes[i]);
  free (cargo->as_bytes);
  free (cargo->traits);
}

static adze_error *
show_as_bytes (adze_cargo *cargo)
{
  const adze_model *model = cargo->model;
  cargo->as_bytes = calloc (model->count + 1, sizeof *cargo->as_bytes);
  if (!cargo->as_bytes)
    return adze_error_memory ();
  for (size_t i = 0; i < model->count; i++) {
    int64_t shape[ADZE_RANK_MAX];
    if (!model->tensors[i].meta.codec)
      continue;
    const adze_tensor_meta bytes = adze_blocks_as_bytes (&model->tensors[i].meta, shape);
    cargo->as_bytes[i] = adze_tensor_meta_copy (&bytes);
    if (!cargo->as_bytes[i])
      return adze_error_memory ();
  }
  return NULL;
}

adze_error *
adze_layout_make (adze_format_session *session, const adze_model *model, const char *name,
                  adze_layout **layout)
{
  __attribute__ ((cleanup (cargo_cleanup))) adze_cargo cargo
      = { .model = model, .file_name = name };
  bool packed = session->callbacks.codes == ADZE_CODES_PACKED;
  for (size_t i = 0; i < model->count; i++)
    ADZE_TRY (adze_session_takes_codes (session, &model->tensors[i]));
  if (packed)
    ADZE_TRY (show_as_bytes (&cargo));
  ADZE_TRY (adze_traits_text (session->runtime, model, packed, &cargo.traits));
  if (cargo.traits)
    cargo.traits_value = adze_meta_text (cargo.traits, strlen (cargo.traits));
  adze_layout *fresh = NULL;
  adze_error *error = new_layout (session, model, name, &fresh);
  if (!error)
    error = call_write (session, &cargo, fresh);
  if (!error)
    error = check_complete (fresh);
  if (error) {
    adze_layout_free (fresh);
    return error;
  }
  *layout = fresh;
  return NULL;
}
