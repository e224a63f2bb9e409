// SPDX-License-Identifier: MIT
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <memory>

#include "soco/base/error.h"
#include "soco/image/formats/format.h"

namespace soco::formats {
namespace {

const std::uint8_t* data_of(Bytes bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

bool matches(Bytes bytes) {
  return starts_with(bytes, "RIFF") && bytes.size() >= 12 && starts_with(bytes.subspan(8), "WEBP");
}

WebPBitstreamFeatures features_of(Bytes bytes, const std::string& name) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &features) != VP8_STATUS_OK) fail("{}: damaged WebP header", name);
  return features;
}

ImageInfo probe(Bytes bytes, const std::string& name) {
  const WebPBitstreamFeatures features = features_of(bytes, name);
  return {features.height, features.width, {}};
}

/// The first frame of an animation, on black where it does not cover the canvas.
Image decode_animation(Bytes bytes, const std::string& name) {
  const WebPData data{data_of(bytes), bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(WebPAnimDecoderNew(&data, nullptr),
                                                                                   &WebPAnimDecoderDelete);
  WebPAnimInfo info;
  std::uint8_t* rgba = nullptr;
  int timestamp = 0;
  if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info) ||
      !WebPAnimDecoderGetNext(decoder.get(), &rgba, &timestamp))
    fail("{}: damaged or truncated animated WebP", name);
  Image image = make_image(static_cast<int>(info.canvas_height), static_cast<int>(info.canvas_width));
  for (std::size_t i = 0; i < image.pixels.size() / 3; ++i) std::memcpy(&image.pixels[3 * i], rgba + 4 * i, 3);
  return image;
}

int orientation(Bytes bytes) {
  const WebPData data{data_of(bytes), bytes.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&data), &WebPDemuxDelete);
  WebPChunkIterator chunk;
  if (!demuxer || WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) == 0) return 1;
  const int found = exif_orientation({reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return found;
}

Image decode(Bytes bytes, const std::string& name, const DecodeLimits&) {
  const WebPBitstreamFeatures features = features_of(bytes, name);
  if (features.has_animation) return decode_animation(bytes, name);
  Image image = make_image(features.height, features.width);
  if (WebPDecodeRGBInto(data_of(bytes), bytes.size(), image.pixels.data(), image.pixels.size(), image.width * 3) ==
      nullptr)
    fail("{}: damaged or truncated WebP", name);
  return image;
}

}  // namespace

const Format kWebp{"WebP", matches, probe, decode, orientation};

}  // namespace soco::formats
