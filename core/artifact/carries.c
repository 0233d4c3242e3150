/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/carries.c: what a format can hold, asked before anything is written: a tensor, and which
 * other formats can where it cannot; a model; a name. */
#include <string.h>

#include <adze/half.h>

#include "artifact/blocks.h"
#include "artifact/codec.h"
#include "artifact/layout.h"

/* A format that answers no such question is asked to lay out a model of this one tensor. */
static adze_error *
try_layout (adze_format_session *session, const adze_tensor_meta *meta)
{
  ADZE_AUTO_MODEL model = NULL;
  adze_model_tensor *added;
  adze_layout *layout;
  ADZE_TRY (adze_model_new (&model));
  ADZE_TRY (adze_model_add (model, meta, &added));
  ADZE_TRY (adze_layout_make (session, model, "model", &layout));
  adze_layout_free (layout);
  return NULL;
}

adze_error *
adze_session_ask (adze_format_session *session, const adze_tensor_meta *meta)
{
  int64_t shape[ADZE_RANK_MAX];
  adze_tensor_meta bytes;
  if (!session->callbacks.write)
    return adze_error_new (ADZE_E_UNSUPPORTED, "the format '%s' only reads",
                           session->component->id);
  if (!session->callbacks.carries)
    return try_layout (session, meta);
  if (meta->codec && session->callbacks.codes == ADZE_CODES_PACKED) {
    bytes = adze_blocks_as_bytes (meta, shape);
    meta = &bytes;
  }
  adze_session_enter (session);
  adze_status status
      = session->callbacks.carries (adze_desk_table (session->desk), session->params, meta);
  return adze_session_leave (session, "carries", status);
}

static bool
would_carry (adze_runtime *runtime, const adze_format_choice *choice, const adze_tensor_meta *meta)
{
  adze_format_session session;
  adze_error *error = adze_session_open (runtime, choice->component->id, NULL, &session);
  if (!error) {
    error = adze_session_ask (&session, meta);
    adze_session_close (&session);
  }
  adze_error_free (error);
  return !error;
}

/* "safetensors, onnx", without EXCEPT. */
static void
list_carriers (adze_runtime *runtime, const adze_tensor_meta *meta, const char *except,
               adze_buffer *names)
{
  ADZE_AUTO_FREE adze_format_choice *formats = NULL;
  size_t count = 0;
  ADZE_AUTO_ERROR error = adze_formats_list (runtime, NULL, &formats, &count);
  for (size_t i = 0; !error && i < count; i++)
    if (strcmp (formats[i].component->id, except) != 0 && would_carry (runtime, &formats[i], meta))
      adze_buffer_format (names, "%s%s", names->size ? ", " : "", formats[i].component->id);
}

static void
describe (const adze_tensor_meta *meta, adze_buffer *text)
{
  char name[ADZE_QUOTED_NAME];
  adze_buffer_format (text, "%s (%s ", adze_quoted_name (meta->name, strlen (meta->name), name),
                      adze_meta_type_word (meta));
  adze_shape_text (meta->rank, meta->shape, text);
  adze_buffer_text (text, ")");
}

/* Is it the name alone that the format does not take? */
static bool
would_take_renamed (adze_format_session *session, const adze_tensor_meta *meta)
{
  adze_tensor_meta renamed = *meta;
  renamed.name = "t";
  ADZE_AUTO_ERROR error = adze_session_ask (session, &renamed);
  return !error;
}

adze_error *
adze_session_carries (adze_format_session *session, const adze_tensor_meta *meta)
{
  adze_error *cause = adze_session_ask (session, meta);
  if (!cause || adze_error_status (cause) != ADZE_E_UNSUPPORTED)
    return cause;
  const char *id = session->component->id;
  ADZE_AUTO (adze_buffer) names = { 0 }, tensor = { 0 };
  list_carriers (session->runtime, meta, id, &names);
  describe (meta, &tensor);
  const char *others = names.data ? names.data : "none";
  adze_error *error = adze_error_wrap (cause, "the format '%s' cannot hold the tensor %s", id,
                                       tensor.data ? tensor.data : meta->name);
  adze_error_setf (error, "place", "the tensor %s", meta->name);
  if (would_take_renamed (session, meta)) {
    adze_error_setf (error, "needed", "a name that %s takes, or a format that takes this one", id);
    adze_error_setf (error, "found", "a name of %zu bytes", strlen (meta->name));
  } else {
    adze_error_setf (error, "needed", "a format that holds %s", adze_meta_type_word (meta));
    adze_error_set (error, "found", id);
  }
  adze_error_setf (error, "hint", "formats here that can: %s", others);
  return error;
}

adze_error *
adze_format_carries (adze_runtime *runtime, const char *format, const adze_format_options *options,
                     const adze_tensor_meta *meta)
{
  ADZE_LOCKED (runtime);
  adze_format_session session;
  ADZE_TRY (adze_session_open (runtime, format, options, &session));
  adze_error *error = adze_session_carries (&session, meta);
  adze_session_close (&session);
  return error;
}

/* ---- Codes. */

/* Numbers alone are no codes, whichever codec wrote them, and of blocks the type says what they are. */
static const adze_value *
codec_of (const adze_model_tensor *tensor)
{
  const adze_tensor_meta *meta = &tensor->meta;
  const adze_value *codec = adze_value_get (adze_value_get (tensor->traits, ADZE_TRAIT_CODED), "codec");
  bool codes = codec && codec->type == ADZE_VALUE_STRING && !meta->codec && !adze_dtype_is_float (meta->dtype);
  return codes ? codec : NULL;
}

/* A format may have the types of codes, and yet no reader of it would know what belongs together. */
adze_error *
adze_session_takes_codes (adze_format_session *session, const adze_model_tensor *tensor)
{
  const adze_value *codec = session->callbacks.codes == ADZE_CODES_REFUSED ? codec_of (tensor) : NULL;
  const char *id = session->component->id;
  ADZE_AUTO (adze_buffer) names = { 0 }, words = { 0 };
  if (!codec)
    return NULL;
  ADZE_TRY (adze_codec_holders (session->runtime, codec->string, id, &names));
  describe (&tensor->meta, &words);
  adze_error *error = adze_error_new (ADZE_E_UNSUPPORTED,
                                      "the format '%s' cannot hold the tensor %s, which is codes of %s: it has "
                                      "types of its own alone, and no place for what belongs to codes",
                                      id, words.data ? words.data : tensor->meta.name, codec->string);
  adze_error_setf (error, "place", "the tensor %s", tensor->meta.name);
  adze_error_setf (error, "needed", "a format that holds codes of %s", codec->string);
  adze_error_set (error, "found", id);
  adze_error_setf (error, "hint", "formats here that can: %s", names.data ? names.data : "none");
  return error;
}

/* ---- Whole models. */

static adze_error *
ask_tensors (adze_format_session *session, const adze_model *model, uint64_t *bytes)
{
  for (size_t i = 0; i < model->count; i++) {
    ADZE_TRY (adze_session_carries (session, &model->tensors[i].meta));
    ADZE_TRY (adze_session_takes_codes (session, &model->tensors[i]));
    *bytes += model->tensors[i].meta.byte_size;
  }
  return NULL;
}

/* Only now the names of all its files are known. GUARD may be NULL. */
static adze_error *
ask_names (adze_guard *guard, const adze_layout *layout, const char *path)
{
  int folder = (int)(adze_path_base (path) - path);
  for (uint32_t i = 0; i < layout->file_count; i++) {
    ADZE_AUTO_FREE char *final
        = adze_text_format ("%.*s%s", folder, path, layout->files[i].name);
    if (!final)
      return adze_error_memory ();
    ADZE_TRY (adze_target_check (final, ADZE_RUN_TAG));
    if (guard)
      ADZE_TRY (adze_guard_claim (guard, final, path));
  }
  return NULL;
}

static adze_error *
ask_layout (adze_format_session *session, const adze_model *model, const char *path,
            adze_guard *guard, uint64_t *bytes)
{
  adze_layout *layout;
  ADZE_TRY (adze_layout_make (session, model, adze_path_base (path), &layout));
  for (uint32_t i = 0; i < layout->file_count; i++)
    *bytes += layout->files[i].length;
  adze_error *error = ask_names (guard, layout, path);
  adze_layout_free (layout);
  return error;
}

adze_error *
adze_format_try_model (adze_runtime *runtime, const char *path,
                       const adze_format_options *options, const adze_model *model, bool bounds,
                       uint64_t *bytes)
{
  ADZE_LOCKED (runtime);
  adze_format_session session;
  adze_event_mute mute;
  uint64_t tensors = 0;
  *bytes = 0;
  ADZE_TRY (adze_session_open (runtime, options->format, options, &session));
  /* What it has to say of writing it says when it writes. */
  adze_event_bus_mute (runtime->bus, &mute);
  adze_error *error = ask_tensors (&session, model, &tensors);
  if (!error && !bounds)
    error = ask_layout (&session, model, path, options->guard, bytes);
  else
    *bytes = tensors;
  adze_event_bus_unmute (runtime->bus, &mute);
  adze_session_close (&session);
  return error;
}

/* ---- Names. */

adze_error *
adze_format_takes_name (adze_runtime *runtime, const char *format,
                        const adze_format_options *options, const char *path)
{
  ADZE_LOCKED (runtime);
  adze_format_session session;
  ADZE_AUTO_ERROR closed = adze_session_open (runtime, format, options, &session);
  if (closed)
    return NULL; /* and why it cannot be opened is said where it is needed */
  adze_error *error = NULL;
  if (session.callbacks.takes_name) {
    adze_session_enter (&session);
    adze_status status = session.callbacks.takes_name (adze_desk_table (session.desk),
                                                       session.params, adze_path_base (path));
    error = adze_session_leave (&session, "takes_name", status);
  }
  adze_session_close (&session);
  return error;
}
