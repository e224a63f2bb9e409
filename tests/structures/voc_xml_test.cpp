// SPDX-License-Identifier: MIT
#include "soco/structures/voc_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/structures/xml_reader.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::string> elements_of(const std::string& text) {
  std::vector<std::string> elements;
  read_xml(text, "x.xml",
           [&](const XmlElement& e) { elements.push_back(std::string(e.path) + "=" + std::string(e.text)); });
  return elements;
}
std::string xml_error(const std::string& text) {
  return error_of([&] { elements_of(text); });
}

TEST(ReadXml, GivesElementsAsTheyEnd) {
  EXPECT_THAT(elements_of("\xEF\xBB\xBF<?xml version='1.0'?>\n<a k=\"v\">\n <b> one </b><!-- <c> --><b/>two</a>\n"),
              ElementsAre("a/b=one", "a/b=", "a=two"));
}

TEST(ReadXml, KnowsTheFiveEntitiesAndNumbers) {
  EXPECT_THAT(elements_of("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#xe9;&#x20AC;&#x1F600;</a>"),
              ElementsAre("a=<>&\"'A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
}

TEST(ReadXml, RefusesWhatIsNotWellFormedWithTheByte) {
  EXPECT_THAT(xml_error("<a><b></a>"), HasSubstr("x.xml (byte 8): mismatched tag"));
  EXPECT_THAT(xml_error("<a>"), HasSubstr("x.xml (byte 3): no element found"));
  EXPECT_THAT(xml_error("</a>"), HasSubstr("not well-formed"));
  EXPECT_THAT(xml_error("<a></a><b></b>"), HasSubstr("junk after document element"));
  EXPECT_THAT(xml_error("text"), HasSubstr("syntax error"));
  EXPECT_THAT(xml_error(""), HasSubstr("no element found"));
  EXPECT_THAT(xml_error("<a"), HasSubstr("unclosed token"));
  EXPECT_THAT(xml_error("<a>&x;</a>"), HasSubstr("undefined entity"));
  EXPECT_THAT(xml_error("<a>&#xD800;</a>"), HasSubstr("reference to invalid character number"));
  EXPECT_THAT(xml_error("<a>\xff</a>"), HasSubstr("not well-formed"));  // no UTF-8
}

TEST(ReadXml, RefusesEntityBombsDepthAndLength) {
  EXPECT_THAT(xml_error("<!DOCTYPE lolz [<!ENTITY lol \"lol\">]><a>&lol;</a>"), HasSubstr("document type"));
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "<a>";
  EXPECT_THAT(xml_error(deep), HasSubstr("deeper than 32"));
  EXPECT_THAT(xml_error("<a>" + std::string(100'000, 'x') + "</a>"), HasSubstr("more than 65536 bytes"));
}

const char* const kCat =
    "<annotation><folder>VOC2007</folder><filename>000001.jpg</filename>"
    "<size><width>353</width><height>500</height><depth>3</depth></size><segmented>0</segmented>"
    "<object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
    "<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox>"
    "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>"
    "<object><name>person</name><difficult>1</difficult>"
    "<bndbox><xmax>352</xmax><xmin>8.5</xmin><ymin>12</ymin><ymax>498</ymax></bndbox></object></annotation>";

std::string voc_error(std::string text, const std::string& old, const std::string& replacement) {
  text.replace(text.find(old), old.size(), replacement);
  return error_of([&] { read_voc_image(text, "000001.xml"); });
}

TEST(ReadVocImage, ReadsSizeAndObjectsAndNotTheirParts) {
  const VocImage image = read_voc_image(kCat, "000001.xml");
  EXPECT_EQ(image.file_name, "000001.jpg");
  EXPECT_EQ(image.width, 353);
  EXPECT_EQ(image.height, 500);
  ASSERT_EQ(image.objects.size(), 2u);
  EXPECT_EQ(image.objects[0].category, "dog");
  EXPECT_FALSE(image.objects[0].is_difficult);
  // Pixels 48..195 and 240..371 counted from 1: 148 columns from 47 on, 132 rows from 239 on.
  EXPECT_EQ(image.objects[0].box, (CocoBox{47, 239, 148, 132}));
  EXPECT_TRUE(image.objects[1].is_difficult);
  EXPECT_EQ(image.objects[1].box, (CocoBox{7.5, 11, 344.5, 487}));
}

TEST(ReadVocImage, WholeImageIsTheWholeImage) { EXPECT_EQ(coco_box_from_voc(1, 1, 20, 10), (CocoBox{0, 0, 20, 10})); }

TEST(ReadVocImage, RefusesWhatIsMissingOrWrong) {
  EXPECT_THAT(voc_error(kCat, "<xmin>48</xmin>", ""), HasSubstr("000001.xml: object 1 has no <xmin>"));
  EXPECT_THAT(voc_error(kCat, "<xmin>48</xmin>", "<xmin>1</xmin><xmin>2</xmin>"), HasSubstr("two <xmin>"));
  EXPECT_THAT(voc_error(kCat, "48", "x48"), HasSubstr("'x48'; expected a number"));
  EXPECT_THAT(voc_error(kCat, "48", "nan"), HasSubstr("expected a number"));
  EXPECT_THAT(voc_error(kCat, "48", "1e300"), HasSubstr("expected a number"));
  EXPECT_THAT(voc_error(kCat, "48", "400"), HasSubstr("negative size: xmin 400"));
  EXPECT_THAT(voc_error(kCat, "<name>dog</name>", ""), HasSubstr("object 1 has no <name>"));
  EXPECT_THAT(voc_error(kCat, "<width>353</width>", ""), HasSubstr("no <size>"));
  EXPECT_THAT(voc_error(kCat, "353", "0"), HasSubstr("expected 1 to"));
  EXPECT_THAT(voc_error(kCat, "353", "99999999"), HasSubstr("expected 1 to"));
  EXPECT_THAT(error_of([] { read_voc_image("<html></html>", "h.xml"); }), HasSubstr("is no Pascal VOC annotation"));
}

TEST(ReadVocAnnotations, NumbersImagesAndCategoriesByName) {
  const testing::TempDir temp;
  write_file_atomic(temp / "000001.xml", kCat);
  write_file_atomic(temp / "000000.xml",
                    "<annotation><size><width>5</width><height>4</height></size><object><name>cat</name>"
                    "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>");
  write_file_atomic(temp / "notes.txt", "none");
  const AnnotationSet set = read_voc_annotations(temp.path());
  ASSERT_EQ(set.images.size(), 2u);
  EXPECT_EQ(set.images[0].file_name, "000000.jpg");
  EXPECT_EQ(set.images[1].file_name, "000001.jpg");
  ASSERT_EQ(set.categories.size(), 3u);
  EXPECT_EQ(set.categories[1].name, "dog");
  ASSERT_EQ(set.annotations.size(), 3u);
  EXPECT_EQ(set.annotations[1].image_id, 2);
  EXPECT_EQ(set.annotations[1].category_id, 2);
  EXPECT_EQ(set.annotations[0].area, 4);
  EXPECT_TRUE(set.annotations[2].is_difficult);
}

TEST(ReadVocAnnotations, NamesTheFolderOrFileAtFault) {
  const testing::TempDir temp;
  EXPECT_THAT(error_of([&] { read_voc_annotations(temp.path()); }), HasSubstr("no .xml file"));
  EXPECT_THAT(error_of([&] { read_voc_annotations(temp / "none"); }), HasSubstr("cannot be listed"));
  write_file_atomic(temp / "bad.xml", "<annotation>");
  EXPECT_THAT(error_of([&] { read_voc_annotations(temp.path()); }), AllOf(HasSubstr("bad.xml"), HasSubstr("byte 12")));
}

}  // namespace
}  // namespace soco
