/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: libavformat, one thread. Where every frame stands alone (MJPEG,
 * PNG), a packet is held back until it is due and decoded then, and frames that are not
 * wanted are never decoded. Otherwise all are decoded, and a wanted frame is held until it
 * is due.
 *
 * The file is hostile input: only known containers are probed, only the file protocol is
 * open to them, sizes are bounded before a decoder allocates for them. A frame that does
 * not decode whole is counted and passed over; a clip with none that does is an error.
 */
#include "ingest/decoder.h"
#include "ingest/pace.h"
#include "ingest/source.h"

#include "base/auto.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/parseutils.h>
#include <string.h>
#include <sys/stat.h>

static const char containers[] =
	"avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,flv,asf,ogg,nut,ivf,"
	"mjpeg,mpjpeg,h264,hevc,m4v,yuv4mpegpipe,image2,jpeg_pipe,png_pipe,bmp_pipe,webp_pipe,"
	"tiff_pipe,ppm_pipe,pgm_pipe,gif";
static const double fps_believed_min = 0.01, fps_believed_max = 1000;
static const double still_fps = 5; /* of a still picture that is looped, unless told */
static const char probe_bytes[] = "5000000";

struct file_source {
	struct hf_source base;
	const struct hf_clock *clock;
	char path[HF_PATH_BYTES];
	bool lockstep, loop;
	bool still;
	bool every_frame_alone;
	AVFormatContext *format;
	struct hf_decoder *decoder;
	AVPacket *packet;
	int stream;
	bool packet_held; /* waits to be decoded when due */
	bool frame_held;  /* waits to be handed out when due */
	bool draining;
	struct hf_pace pace;
	int64_t time_us; /* clip time of what is held */
	struct hf_mono due;
	struct hf_wall recorded; /* lockstep: when the clip began */
	uint64_t next_number, number;
	struct { /* since the clip began, anew with each loop */
		uint64_t decoded, unwanted, errors_before;
	} round;
	struct hf_source_info info;
};

static const char *av_text(int av_code, char buffer[AV_ERROR_MAX_STRING_SIZE])
{
	return av_make_error_string(buffer, AV_ERROR_MAX_STRING_SIZE, av_code);
}

static enum hf_code check_path(struct file_source *file, struct hf_err *err)
{
	struct stat st;

	if (file->path[0] == '\0')
		return hf_fail(err, HF_E_INVALID, "source of type file without a path: set url");
	if (stat(file->path, &st) != 0)
		return hf_fail_errno(err, "open %s", file->path);
	if (!S_ISREG(st.st_mode))
		return hf_fail(err, HF_E_INVALID,
			       "%s is not a regular file: a device needs another source type",
			       file->path);
	if (st.st_size == 0)
		return hf_fail(err, HF_E_CORRUPT, "%s is empty", file->path);
	if (access(file->path, R_OK) != 0)
		return hf_fail_errno(err, "open %s", file->path);
	file->recorded.ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return HF_OK;
}

static enum hf_code open_container(struct file_source *file, struct hf_err *err)
{
	char url[HF_PATH_BYTES + 8], text[AV_ERROR_MAX_STRING_SIZE];
	AVDictionary *options = NULL;

	(void)snprintf(url, sizeof url, "file:%s", file->path);
	(void)av_dict_set(&options, "format_whitelist", containers, 0);
	(void)av_dict_set(&options, "protocol_whitelist", "file", 0);
	(void)av_dict_set(&options, "codec_whitelist", hf_decoder_codecs(), 0);
	(void)av_dict_set(&options, "probesize", probe_bytes, 0);
	/* A per cent sign in a picture's name is not a pattern. */
	(void)av_dict_set(&options, "pattern_type", "none", 0);
	int av = avformat_open_input(&file->format, url, NULL, &options);
	av_dict_free(&options);
	if (av == AVERROR(ENOMEM))
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", file->path);
	if (av < 0)
		return hf_fail(err, HF_E_INVALID,
			       "%s is not a video or picture that can be read, or is cut short: %s",
			       file->path, av_text(av, text));
	av = avformat_find_stream_info(file->format, NULL);
	if (av < 0)
		return hf_fail(err, HF_E_CORRUPT, "%s: no picture could be found in it: %s",
			       file->path, av_text(av, text));
	av = av_find_best_stream(file->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (av < 0)
		return hf_fail(err, HF_E_INVALID, "%s holds no video", file->path);
	file->stream = av;
	for (unsigned i = 0; i < file->format->nb_streams; i++)
		if ((int)i != file->stream)
			file->format->streams[i]->discard = AVDISCARD_ALL;
	const char *name = file->format->iformat->name;
	size_t length = strlen(name);
	file->still = strcmp(name, "image2") == 0 ||
		      (length > 5 && strcmp(name + length - 5, "_pipe") == 0);
	return HF_OK;
}

static enum hf_code open_decoder(struct file_source *file, struct hf_err *err)
{
	const AVCodecParameters *parameters = file->format->streams[file->stream]->codecpar;
	const struct hf_decoder_options options = {
		.name = file->path,
		.parameters = parameters,
		.still = file->still,
	};

	file->packet = av_packet_alloc();
	if (file->packet == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", file->path);
	enum hf_code code = hf_decoder_open(&options, &file->decoder, err);
	if (code != HF_OK)
		return code;
	file->every_frame_alone = hf_decoder_every_picture_alone(file->decoder);
	(void)snprintf(file->info.codec, sizeof file->info.codec, "%s",
		       hf_decoder_codec(file->decoder));
	file->info.width = (uint32_t)parameters->width;
	file->info.height = (uint32_t)parameters->height;
	file->info.still = file->still;
	if (file->format->duration > 0 && !file->loop)
		file->info.duration_s = (double)file->format->duration / AV_TIME_BASE;
	return HF_OK;
}

static void set_pace(struct file_source *file, double fps_wanted)
{
	const AVStream *stream = file->format->streams[file->stream];
	AVRational rate =
		av_guess_frame_rate(file->format, file->format->streams[file->stream], NULL);
	double fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;

	/* A header that says so lies; one frame in a century would be waited for. */
	if (fps < fps_believed_min || fps > fps_believed_max)
		fps = 0;
	if (file->still)
		fps = fps_wanted > 0 ? fps_wanted : still_fps;
	file->pace = hf_pace_begin(fps, fps_wanted, HF_SOURCE_FPS_MAX);
	file->info.fps = file->pace.step_us > 0 ? 1e6 / (double)file->pace.step_us : fps;

	const AVDictionaryEntry *recorded =
		av_dict_get(file->format->metadata, "creation_time", NULL, 0);
	int64_t at_us;
	if (recorded == NULL)
		recorded = av_dict_get(stream->metadata, "creation_time", NULL, 0);
	if (recorded != NULL && av_parse_time(&at_us, recorded->value, 0) >= 0 && at_us > 0)
		file->recorded.ms = at_us / 1000;
}

/* The end, or CORRUPT when there was nothing before it. A looped clip begins again. */
static enum hf_code at_end(struct file_source *file, struct hf_err *err)
{
	bool broken = file->info.decode_errors > file->round.errors_before;
	if (file->round.decoded == 0 && (broken || file->round.unwanted == 0))
		return hf_fail(err, HF_E_CORRUPT,
			       "%s: not one picture of it could be decoded (%llu failed)",
			       file->path, (unsigned long long)file->info.decode_errors);
	if (!file->loop)
		return hf_fail(err, HF_E_CLOSED, "%s: the end", file->path);
	if (file->still) { /* the decoded picture is still there */
		enum hf_code code = hf_decoder_repeat(file->decoder, err);
		if (code != HF_OK)
			return code;
		file->number = file->next_number++;
		file->time_us = hf_pace_time(&file->pace, HF_PACE_NO_STAMP);
		file->due = hf_pace_due(&file->pace, file->time_us, hf_mono_now(file->clock));
		file->frame_held = true;
		return hf_fail(err, HF_E_AGAIN, "not yet");
	}
	enum hf_code code = check_path(file, err); /* it may have been taken away */
	if (code != HF_OK)
		return code;
	/* -1: the default stream, in AV_TIME_BASE units. Some containers only seek by byte. */
	if (av_seek_frame(file->format, -1,
			  file->format->start_time != AV_NOPTS_VALUE ? file->format->start_time : 0,
			  AVSEEK_FLAG_BACKWARD) < 0 &&
	    av_seek_frame(file->format, -1, 0, AVSEEK_FLAG_BYTE) < 0)
		return hf_fail(err, HF_E_IO, "%s: cannot go back to its start", file->path);
	hf_decoder_flush(file->decoder);
	hf_pace_rewind(&file->pace);
	file->draining = false;
	file->round.decoded = file->round.unwanted = 0;
	file->round.errors_before = file->info.decode_errors;
	return hf_fail(err, HF_E_AGAIN, "begins again");
}

static int64_t stamp_us(const struct file_source *file, int64_t stamp)
{
	if (stamp == AV_NOPTS_VALUE)
		return HF_PACE_NO_STAMP;
	return av_rescale_q(stamp, file->format->streams[file->stream]->time_base,
			    (AVRational){ 1, 1000000 });
}

/* A packet or frame came: is it wanted, and when? */
static bool schedule(struct file_source *file, int64_t stamp)
{
	file->number = file->next_number++;
	file->time_us = hf_pace_time(&file->pace, stamp_us(file, stamp));
	if (!hf_pace_wanted(&file->pace, file->time_us)) {
		file->round.unwanted++;
		return false;
	}
	if (!file->lockstep)
		file->due = hf_pace_due(&file->pace, file->time_us, hf_mono_now(file->clock));
	return true;
}

/* OK: file->packet is of our stream. AGAIN: it was not. CLOSED: the file ends, well or badly. */
static enum hf_code read_packet(struct file_source *file, struct hf_err *err)
{
	char text[AV_ERROR_MAX_STRING_SIZE];

	av_packet_unref(file->packet);
	int av = av_read_frame(file->format, file->packet);
	if (av == AVERROR(EIO))
		return hf_fail(err, HF_E_IO, "read %s: %s", file->path, av_text(av, text));
	if (av == AVERROR(ENOMEM))
		return hf_fail(err, HF_E_NOMEM, "read %s: out of memory", file->path);
	if (av < 0 && av != AVERROR_EOF)
		file->info.decode_errors++; /* cut short, or garbage that nothing follows */
	if (av < 0)
		return hf_fail(err, HF_E_CLOSED, "%s: the end", file->path);
	if (file->packet->stream_index != file->stream || file->packet->size == 0)
		return hf_fail(err, HF_E_AGAIN, "not yet");
	return HF_OK;
}

static enum hf_code next_of_alone(struct file_source *file, struct hf_err *err)
{
	enum hf_code code = read_packet(file, err);

	if (code == HF_E_CLOSED)
		return at_end(file, err);
	if (code != HF_OK)
		return code;
	int64_t stamp = file->packet->pts != AV_NOPTS_VALUE ? file->packet->pts : file->packet->dts;
	file->packet_held = schedule(file, stamp);
	return HF_OK;
}

static enum hf_code next_of_chained(struct file_source *file, struct hf_err *err)
{
	int64_t stamp;
	enum hf_code code = hf_decoder_receive(file->decoder, &stamp, err);

	if (code == HF_E_CLOSED)
		return at_end(file, err);
	if (code == HF_E_CORRUPT) {
		file->info.decode_errors++;
		file->next_number++;
		return HF_OK;
	}
	if (code == HF_OK) {
		file->round.decoded++;
		file->frame_held = schedule(file, stamp);
		return HF_OK;
	}
	if (code == HF_E_INVALID)
		file->info.decode_errors++;
	if (file->draining)
		return at_end(file, err);

	code = read_packet(file, err);
	if (code != HF_OK && code != HF_E_CLOSED)
		return code;
	file->draining = code == HF_E_CLOSED;
	if (!hf_decoder_send(file->decoder, file->draining ? NULL : file->packet))
		file->info.decode_errors++;
	return HF_OK;
}

/* Decode the packet whose time has come. AGAIN: it was broken. */
static enum hf_code decode_held(struct file_source *file, struct hf_err *err)
{
	file->packet_held = false;
	if (hf_decoder_picture(file->decoder, file->packet, err) == HF_OK) {
		file->round.decoded++;
		return HF_OK;
	}
	file->info.decode_errors++;
	return hf_fail(err, HF_E_AGAIN, "a broken picture was passed over");
}

static enum hf_code hand_out(struct file_source *file, struct hf_frame *ret_frame,
			     struct hf_err *err)
{
	struct hf_frame out;
	enum hf_code code = hf_decoder_take(file->decoder, &out, err);

	if (code != HF_OK)
		return code;
	out.number = file->number;
	if (file->lockstep) {
		out.captured_mono.us = HF_SOURCE_LOCKSTEP_START_US + file->time_us;
		out.captured_wall.ms = file->recorded.ms + file->time_us / 1000;
	} else {
		int64_t age_us = hf_mono_diff_us(hf_mono_now(file->clock), file->due);

		out.captured_mono = file->due;
		out.captured_wall.ms = hf_wall_now(file->clock).ms - age_us / 1000;
	}
	file->info.width = out.width;
	file->info.height = out.height;
	file->info.frames++;
	*ret_frame = out;
	return HF_OK;
}

static enum hf_code file_step(struct hf_source *source, struct hf_frame *ret_frame,
			      struct hf_err *err)
{
	struct file_source *file = (struct file_source *)source;

	if (!file->packet_held && !file->frame_held) {
		enum hf_code code = file->every_frame_alone ? next_of_alone(file, err)
							    : next_of_chained(file, err);
		if (code != HF_OK && code != HF_E_AGAIN)
			return code;
	}
	if (!file->packet_held && !file->frame_held)
		return hf_fail(err, HF_E_AGAIN, "not yet");
	if (!file->lockstep && hf_mono_before(hf_mono_now(file->clock), file->due))
		return hf_fail(err, HF_E_AGAIN, "not yet");
	if (file->packet_held) {
		enum hf_code code = decode_held(file, err);
		if (code != HF_OK)
			return code;
	}
	file->frame_held = false;
	return hand_out(file, ret_frame, err);
}

static struct hf_mono file_due(const struct hf_source *source)
{
	const struct file_source *file = (const struct file_source *)source;
	bool waits = !file->lockstep && (file->packet_held || file->frame_held);

	return waits ? file->due : (struct hf_mono){ 0 };
}

static void file_info(const struct hf_source *source, struct hf_source_info *ret_info)
{
	*ret_info = ((const struct file_source *)source)->info;
}

static void file_close(struct hf_source *source)
{
	struct file_source *file = (struct file_source *)source;

	hf_decoder_close(file->decoder);
	av_packet_free(&file->packet);
	avformat_close_input(&file->format);
	free(file);
}

enum hf_code hf_source_file_open(const struct hf_source_options *options,
				 struct hf_source **ret_source, struct hf_err *err)
{
	static const struct hf_source_ops ops = {
		.step = file_step, .due = file_due, .info = file_info, .close = file_close
	};
	struct file_source *file = calloc(1, sizeof *file);

	if (file == NULL)
		return hf_fail(err, HF_E_NOMEM, "open %s: out of memory", options->config->url);
	file->base.ops = &ops;
	file->clock = options->clock;
	file->lockstep = options->lockstep;
	file->loop = options->config->loop && !options->lockstep;
	(void)snprintf(file->path, sizeof file->path, "%s", options->config->url);
	hf_decoder_prepare();

	enum hf_code code = check_path(file, err);
	if (code == HF_OK)
		code = open_container(file, err);
	if (code == HF_OK)
		code = open_decoder(file, err);
	if (code != HF_OK) {
		file_close(&file->base);
		return code;
	}
	set_pace(file, options->config->fps);
	*ret_source = &file->base;
	return HF_OK;
}
