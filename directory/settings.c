/* directory/settings.c - the settings that this room itself reads. */
#include "directory/setting.h"

#include "core/banned.h"

const struct lf_setting_def lf_directory_settings[] = {
	{.name = "voicemail.pilot",
	 .type = LF_SET_NUMBER,
	 .def = "",
	 .help = "The number that reaches the voicemail system. A forward to "
		 "it is shown as a forward to voicemail.",
	 .source = "S47"},
	{NULL},
};
