/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/carries.c: which formats can hold a tensor, and what to say when one cannot. */
#include <string.h>

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

static adze_error *
ask (adze_format_session *session, const adze_tensor_meta *meta)
{
  if (!session->callbacks.write)
    return adze_error_new (ADZE_E_UNSUPPORTED, "the format '%s' only reads",
                           session->component->id);
  if (!session->callbacks.carries)
    return try_layout (session, meta);
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
    error = ask (&session, meta);
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

adze_error *
adze_session_carries (adze_format_session *session, const adze_tensor_meta *meta)
{
  adze_error *cause = ask (session, meta);
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
  adze_error_setf (error, "needed", "a format that holds %s", adze_meta_type_word (meta));
  adze_error_set (error, "found", id);
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
