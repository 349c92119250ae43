/*
 * chat/setting.c - every setting of the room, under the names of the protocol
 * (docs: "their names are the wire names"). Lists of things are families;
 * texts inside them are JSON, because they may hold any character.
 */
#include "chat/chat.h"

#include <limits.h>
#include <stdint.h>

#include "core/banned.h"

#define YES_NO(NAME, DEF, HELP, SOURCE)                                        \
	{                                                                      \
		"chat." NAME, LF_SET_BOOL, DEF, 0, 0, NULL, NULL, HELP, SOURCE \
	}
#define NUMBER(NAME, DEF, MIN, MAX, UNIT, HELP, SOURCE)                        \
	{                                                                      \
		"chat." NAME, LF_SET_INT, DEF, MIN, MAX, NULL, UNIT, HELP,     \
			SOURCE                                                 \
	}
#define TEXT(NAME, DEF, MAX, HELP, SOURCE)                                     \
	{                                                                      \
		"chat." NAME, LF_SET_TEXT, DEF, 0, MAX, NULL, NULL, HELP,      \
			SOURCE                                                 \
	}
#define LIST(NAME, MAX, HELP, SOURCE)                                          \
	{                                                                      \
		"chat." NAME, LF_SET_LIST, "", 0, MAX, NULL, NULL, HELP,       \
			SOURCE                                                 \
	}
#define CHOICE(NAME, DEF, CHOICES, HELP, SOURCE)                               \
	{                                                                      \
		"chat." NAME, LF_SET_ENUM, DEF, 0, 0, CHOICES, NULL, HELP,     \
			SOURCE                                                 \
	}
#define DAY 86400
#define JSON_MAX 1048576
#define MESSAGE_MAX 40000 /* 10000 code points */

const struct lf_setting_def lf_chat_settings[] = {
	/* transport */
	NUMBER("maxWebSocketMessageBytes", "262144", 131072, 1048576, "bytes",
	       "Longest WebSocket message; a longer one closes with 1009.",
	       "S146"),
	NUMBER("maxRestBodyBytes", "16384", 1024, 1048576, "bytes",
	       "Longest body of a REST request.", "S210"),
	NUMBER("unboundSocketTimeoutSeconds", "60", 5, 600, "s",
	       "How long a socket may live without a chat or a login.", "S276"),
	LIST("externalWebServerDomains", 4096,
	     "Hosts whose pages may use the REST endpoints; * for all.",
	     "S143"),
	YES_NO("checkWebSocketOrigin", "no",
	       "Whether that list is for WebSockets as well.", "S143"),
	NUMBER("connectsPerMinutePerAddress", "6000", 0, 1000000, NULL,
	       "WebSockets one address may open a minute; 0 for no limit.",
	       "S276"),
	NUMBER("messagesPerSecondPerSocket", "100", 0, 100000, NULL,
	       "Requests read from one socket a second; 0 for no limit.",
	       "S276"),

	/* limits */
	NUMBER("concurrentChatsLimitPerCustomer", "5", 0, 1000, NULL,
	       "Chats at once with one e-mail address; 0 for no limit.",
	       "S147"),
	NUMBER("requestedCallBacksLimitPerCustomer", "3", 0, 1000, NULL,
	       "Open callbacks with one e-mail address; 0 for no limit.",
	       "S149"),
	NUMBER("maxContactsPerAgent", "5", 1, 20, NULL,
	       "Chats an agent may have at once.", "S139"),
	NUMBER("maxTransfersPerChat", "1", 0, 100, NULL,
	       "Transfers to an agent during one chat.", "S157"),
	NUMBER("maxConferenceAgents", "2", 1, 10, NULL,
	       "Agents talking in one room, the owner included.", "S157"),
	YES_NO("rejectWhenNoAgents", "no",
	       "Whether chats are refused while no agent is logged in.",
	       "S155"),

	/* timers */
	NUMBER("keepAliveTime_inSeconds", "30", 5, 3600, "s",
	       "How often an agent's socket is checked.", "S154"),
	NUMBER("desirableResponseToCust_inSeconds", "30", 0, DAY, "s",
	       "Wait of a customer until a comfort message; 0 for never.",
	       "S154"),
	NUMBER("desirableResponseToAgent_inSeconds", "60", 0, DAY, "s",
	       "A hint for agents' desktops.", "S154"),
	NUMBER("consultRequestTimeout_inSeconds", "30", 5, 3600, "s",
	       "How long an agent may take to accept a consultation.", "S154"),
	YES_NO("forceIdleCustomerCheck", "no",
	       "Whether chats of silent customers end by themselves.", "S154"),
	NUMBER("forceIdleCustomerCheckTimeout_inSeconds", "180", 10, DAY, "s",
	       "After how much silence.", "S154"),
	YES_NO("saveTimestampOnMessages", "yes",
	       "Whether transcripts show the time of each message.", "S154"),
	YES_NO("saveChatHistory", "yes", "Whether transcripts are kept.",
	       "S154"),
	YES_NO("emailChatLogToCustomer", "yes",
	       "Whether transcripts may be mailed to customers.", "S154"),
	NUMBER("customerReconnectSeconds", "150", 0, 3600, "s",
	       "How long a customer may come back after a lost connection.",
	       "S151"),
	NUMBER("customerPingTimeoutSeconds", "90", 61, 3600, "s",
	       "Silence after which a customer's connection counts as lost.",
	       "S150"),
	NUMBER("agentReconnectSeconds", "150", 0, 3600, "s",
	       "How long an agent may come back after a lost connection.",
	       "S220"),
	NUMBER("offerTimeoutSeconds", "0", 0, 3600, "s",
	       "How long a contact alerts; 0 for ever.", "S197"),
	NUMBER("wrapUpTimeoutSeconds", "0", 0, DAY, "s",
	       "When wrap-up ends by itself; 0 for never.", "S202"),

	/* skillsets: chat.skillset.WC_Sales.* */
	TEXT("skillset.*.displayName", "", 512,
	     "How callers see it; its name if empty.", "S172"),
	CHOICE("skillset.*.kind", "webchat", "webchat|outbound",
	       "Whether it takes chats or callbacks.", "S172"),
	NUMBER("skillset.*.queueId", "0", 0, INT32_MAX, NULL,
	       "Its number for transfers; 0: made from the name.", "S185"),
	NUMBER("skillset.*.queueCCMSId", "0", 0, INT32_MAX, NULL,
	       "Its number in the contact centre.", "S185"),
	TEXT("skillset.*.routePoint", "", 512,
	     "Its route point; without one it is out of service.", "S185"),
	YES_NO("skillset.*.inService", "yes", "Whether it takes new chats.",
	       "S173"),
	NUMBER("skillset.*.maxQueuedChats", "50", 0, 10000, NULL,
	       "Chats waiting at most; 0 for no limit.", "S148"),
	NUMBER("skillset.*.priority", "5", 1, 10, NULL,
	       "Which queue is served first; 1 is the highest.", "S136"),
	CHOICE("skillset.*.strategy", "longest-idle",
	       "longest-idle|fewest-chats", "Which ready agent is chosen.",
	       "S136"),
	TEXT("skillset.*.welcomeMessage", "", MESSAGE_MAX,
	     "Said once when the first agent joins.", "S179"),
	LIST("skillset.*.comfortGroups", 4096,
	     "Comfort groups played while waiting.", "S163"),
	LIST("skillset.*.webOnHoldUrlGroups", 4096,
	     "Groups of pages shown while waiting.", "S163"),
	TEXT("skillset.*.inChatComfortGroup", "", 128,
	     "Comfort group for a customer who waits during the chat.", "S179"),
	CHOICE("skillset.*.ewtSource", "computed", "computed|external",
	       "Where the estimated wait comes from.", "S209"),
	NUMBER("skillset.*.ewtSamples", "20", 1, 1000, NULL,
	       "Answers from which the estimated wait is computed.", "S209"),
	NUMBER("skillset.*.ewtDefaultAnswerSeconds", "60", 1, DAY, "s",
	       "Time between answers before there are any.", "S209"),
	TEXT("skillset.*.autoPhrases", "", JSON_MAX,
	     "JSON object: name and text of each phrase.", "S203"),
	TEXT("skillset.*.pagePushUrls", "", JSON_MAX,
	     "JSON object: URL and description of each page.", "S203"),

	/* content */
	TEXT("comfort.*.groupName", "", 512, "Its name; the label if empty.",
	     "S163"),
	NUMBER("comfort.*.delay", "45", 1, DAY, "s",
	       "Pause between two messages.", "S163"),
	TEXT("comfort.*.messages", "", JSON_MAX,
	     "JSON array of the messages, in order.", "S163"),
	TEXT("urlGroup.*.tag", "", 512, "Its name; the label if empty.",
	     "S163"),
	TEXT("urlGroup.*.description", "", 2048, "What the pages are.", "S163"),
	NUMBER("urlGroup.*.holdTime", "30", 1, DAY, "s",
	       "How long each page is shown.", "S163"),
	NUMBER("urlGroup.*.sequence", "1", 1, 100, NULL, "Its place.", "S163"),
	TEXT("urlGroup.*.urls", "", JSON_MAX, "JSON array of the pages.",
	     "S163"),

	/* agent aids */
	TEXT("autoPhrases", "", JSON_MAX,
	     "Phrases for all: JSON object, name and text.", "S203"),
	TEXT("pagePushUrls", "", JSON_MAX,
	     "Pages for all: JSON object, URL and description.", "S203"),
	YES_NO("restrictPagePushToList", "no",
	       "Whether agents may push listed pages only.", "S203"),
	CHOICE("screenPop.*.launchType", "url", "url|application",
	       "What the target is.", "S177"),
	TEXT("screenPop.*.name", "", 512, "Its name; the label if empty.",
	     "S177"),
	TEXT("screenPop.*.target", "", 8192,
	     "URL or command; %VALUE% becomes the contact's number.", "S177"),
	YES_NO("screenPop.*.forceLaunch", "no", "Whether it opens unasked.",
	       "S177"),
	TEXT("closedReason.*.text", "", 512,
	     "Text of the closed reason; the label is its code.", "S182"),
	LIST("closedReason.*.skillsets", 4096,
	     "Skillsets it is for; empty for all.", "S182"),
	YES_NO("closedReasonRequired", "no",
	       "Whether an agent must give a closed reason.", "S202"),
	TEXT("agentLabel", "Agent", 512,
	     "What customers see: first name last name, first name, last "
	     "name, or any other text as it is.",
	     "S176"),
	TEXT("customerLabel", "Customer", 512,
	     "How a customer without a name is called.", "S176"),
	YES_NO("allowTransferToSkillset", "yes",
	       "Whether chats may go to another skillset.", "S185"),
	YES_NO("allowTransferToAgent", "yes",
	       "Whether chats may go to another agent.", "S185"),

	/* agents: chat.agent.USER.*, any name the directory knows */
	LIST("agent.*.skillsets", 4096, "Skillsets the agent serves.", "S139"),
	TEXT("agent.*.supervisor", "", 256, "The supervisor's user name.",
	     "S193"),
	YES_NO("agent.*.privilegeObserve", "no",
	       "Whether the agent may watch rooms.", "S200"),
	YES_NO("agent.*.privilegeBarge", "no",
	       "Whether the agent may take over a room that is watched.",
	       "S201"),
	YES_NO("agent.*.privilegeTransferToSkillset", "yes",
	       "Whether the agent may transfer to skillsets.", "S198"),
	CHOICE("agent.*.offerMode", "external", "ext|autoJoin|external",
	       "How contacts are offered to clients without extensions.",
	       "S197"),
	YES_NO("agent.*.autoReadyOnLogin", "no",
	       "Whether the agent is ready after login.", "S196"),
	NUMBER("agent.*.maxContacts", "0", 0, 20, NULL,
	       "Chats at once; 0 for the common limit.", "S139"),
	YES_NO("agent.*.enabled", "yes", "Whether the agent may log in.",
	       "S174"),
	YES_NO("busyPhoneIsNotReady", "no",
	       "Whether an agent on the phone gets no offers.", "S196"),

	/* supervision */
	NUMBER("threshold.conversationLength_inSeconds", "20", 0, DAY, "s",
	       "Length of a chat that is flagged.", "S193"),
	NUMBER("threshold.lastMessageOut_inSeconds", "20", 0, DAY, "s",
	       "Silence of the agent that is flagged.", "S193"),
	NUMBER("threshold.lastMessageIn_inSeconds", "20", 0, DAY, "s",
	       "Silence of the customer that is flagged.", "S193"),
	NUMBER("threshold.numberOfAgentMessages", "5", 0, 100000, NULL,
	       "Messages of the agent that are flagged.", "S193"),
	NUMBER("threshold.numberOfUnansweredCustomerMessages", "1", 0, 100000,
	       NULL, "Unanswered messages that are flagged.", "S193"),
	NUMBER("priority.conversationLength_inSeconds", "1", 1, 5, NULL,
	       "Its weight; 1 is the highest.", "S200"),
	NUMBER("priority.lastMessageOut_inSeconds", "3", 1, 5, NULL,
	       "Its weight; 1 is the highest.", "S200"),
	NUMBER("priority.lastMessageIn_inSeconds", "2", 1, 5, NULL,
	       "Its weight; 1 is the highest.", "S200"),
	NUMBER("priority.numberOfAgentMessages", "4", 1, 5, NULL,
	       "Its weight; 1 is the highest.", "S200"),
	NUMBER("priority.numberOfUnansweredCustomerMessages", "5", 1, 5, NULL,
	       "Its weight; 1 is the highest.", "S200"),
	YES_NO("notifyCustomerOfObserve", "no",
	       "Whether customers see who watches.", "S200"),
	YES_NO("notifyCustomerOfConsult", "yes",
	       "Whether customers see a consulted agent.", "S199"),

	/* transcripts */
	TEXT("transcriptFilterUrl", "", 2048,
	     "Service that every transcript goes through; empty for none.",
	     "S208"),
	NUMBER("transcriptFilterTimeoutSeconds", "10", 1, 120, "s",
	       "How long it may take.", "S208"),
	CHOICE("transcriptFilterOnFailure", "withhold", "withhold|store",
	       "What happens to a transcript when it fails.", "S208"),
	TEXT("transcriptFilterCaFile", "", 4096,
	     "Certificates it is checked against; empty for the system's.",
	     "S208"),
	YES_NO("savePagePushInTranscript", "no",
	       "Whether pushed pages are kept in transcripts.", "S204"),
	NUMBER("transcriptRetentionDays", "0", 0, 36500, "days",
	       "When transcripts are deleted; 0 for never.", "S205"),
	TEXT("transcriptMailFrom", "", 254, "Sender of mailed transcripts.",
	     "S202"),
	TEXT("transcriptMailSubject", "Your chat transcript", 512,
	     "Subject of mailed transcripts.", "S202"),
	YES_NO("sendCustomerAcknowledgements", "no",
	       "Whether customers get an acknowledgement for each message.",
	       "S161"),
	{0},
};
