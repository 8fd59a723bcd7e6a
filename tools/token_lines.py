"""The lines that tests/unit/data/tokens is recorded from: what a chat may hold, and what is hard about it.

Sentences and word lists here are written for this purpose; `WORDS` slots are filled from jieba's
dictionary (common words by frequency, rare ones evenly). The same seed gives the same lines.
"""

import itertools
import random

SENTENCES = """
今天天气真不错，我们一起去公园走走吧！
主播唱歌真好听，再来一首好不好？
这个游戏一点也不难，你再试一次看看。
老板，来一碗牛肉面，不要香菜，多放一点辣椒。
我想买两把雨伞，可以便宜一点吗？
他不在家，一大早就出门了，说不定晚上才回来。
你好吗？我很好，谢谢你的关心。
展览馆里有五百把古老的纸伞。
请给我五百五十美金，一分也不能少。
小美女总想也许我可以起早点跑五百米。
一不小心就迟到了，真不好意思。
一天一夜一年一度，一心一意一往无前。
不去不行，不来不好，不说不笑不热闹。
看一看，听一听，想一想，走不走，好不好，对不对。
第一名是他，第一次见面在一月一日，星期一。
一九四九年十月一日，一共一百一十一人。
银行行长在长安街上重新开了一家重庆火锅店。
他还没还我那本关于音乐的书，我很不快乐。
我觉得睡觉前不能喝咖啡，否则就睡不着觉。
会计说明天的会议要推迟，会不会影响结账？
他重重地把重物放下，又重复了一遍。
着火了！他着急地看着消防员，手足无措地站着。
这只鸟的羽毛只有黑白两种颜色，真是奇怪。
把这个数字数一数，数学老师说数不胜数。
长大以后我想当一名校长，身高长到一米八。
差不多先生出差去了，差一点没赶上火车，参差不齐。
为什么要这样做？因为这是为人民服务。
得了吧，你得去医院，他跑得比你快，得不偿失。
他的确目的明确，的士司机打的去了。
了解情况以后，事情就了结了，大家都笑了。
都市里的人都很忙，首都北京也不例外。
朝阳区的朝霞很美，他朝着太阳走去，清朝的故事。
曾经有个人姓曾，单于、单田芳和单雄信都是名字。
解放军押解犯人，解缙和解元不是一个人。
盛饭的碗盛满了，盛大的宴会开始了。
提供证据，供认不讳，供不应求的商品。
乐曲让人快乐，乐山大佛和乐嘉没有关系。
旋转木马旋风般地转来转去，转眼就转身走了。
他冒着倾盆大雨，冒顿单于也不怕。
地上有一大片地瓜，他慢慢地种地。
你倒是倒水啊，别倒下，倒霉的人总说倒不如。
量体温用体温计，计量单位要量力而行，商量商量。
背着书包背书，背后有人说他背信弃义。
假期里放假，假如是假的，就请假回家。
处理好处，到处都是好处，处长处罚了他。
那儿有个小孩儿，在玩儿球儿，真好玩儿。
一会儿见，咱们哥儿俩喝点儿酒，聊聊天儿。
今儿个天儿不错，明儿早上去遛弯儿，顺便买份儿盒饭。
这事儿没门儿，小曲儿一唱，味儿就出来了。
花儿为什么这样红？鸟儿在枝头唱歌，幼儿园的儿童笑了。
北京大学生物系主任办公室内部会议。
南京市长江大桥欢迎您，研究生命起源的研究生。
结婚的和尚未结婚的，乒乓球拍卖完了。
下雨天留客天留我不留，人要是行干一行行一行。
工信处女干事每月经过下属科室都要亲口交代二十四口交换机等技术性器件的安装工作。
小明硕士毕业于中国科学院计算所，后在日本京都大学深造。
他来到了网易杭研大厦，我来到北京清华大学。
林志颖和周杰伦在台北小巨蛋开演唱会，郭德纲说相声。
欧阳娜娜、司马懿、诸葛亮、上官婉儿、慕容复都是复姓。
尼古拉斯·凯奇和阿诺德·施瓦辛格主演的电影。
乌鲁木齐、呼和浩特、齐齐哈尔、哈尔滨、厦门、蚌埠、六安、亳州、台州、涪陵。
我愛北京天安門，天安門上太陽昇。
這個問題很難回答，請給我一點時間考慮一下。
臺灣的夜市裡有很多好吃的東西，珍珠奶茶、鹽酥雞、蚵仔煎。
歡迎收看今天的節目，記得訂閱、按讚、分享，還要開啟小鈴鐺喔！
憂鬱的烏龜在龍門石窟旁邊發呆，體驗複雜的繁體字。
著名的學者說，後來的皇后在後宮裡頭髮現了一隻貓。
床前明月光，疑是地上霜。举头望明月，低头思故乡。
大江东去，浪淘尽，千古风流人物。故垒西边，人道是，三国周郎赤壁。
白日依山尽，黄河入海流；欲穷千里目，更上一层楼。
道可道，非常道；名可名，非常名。
子曰：“学而时习之，不亦说乎？有朋自远方来，不亦乐乎？”
山不在高，有仙则名；水不在深，有龙则灵。斯是陋室，惟吾德馨。
魑魅魍魉，饕餮盛宴，耄耋之年，踟蹰不前，囹圄之灾，氤氲缭绕。
犇羴骉鱻猋麤龘靐齉齾爩鱻麣灥，巜乁乂亅。
他説：‘是的’；她說：“不是”；它说：「也许」。
感谢老铁送的火箭，感谢榜一大哥的嘉年华！
哈哈哈哈哈哈哈哈笑死我了，绝绝子，yyds，666666。
主播能不能别摸鱼了，快开始吧，等得花儿都谢了。
上分上分！这把稳了，五杀！对面打野太菜了吧。
弹幕护体，前方高能预警，非战斗人员请撤离。
求求你别秀了，给条活路，头皮发麻，DNA动了。
我emo了，家人们谁懂啊，真的会谢，CPU都干烧了。
关注主播不迷路，主播带你上高速，点点关注加加粉丝团。
厉害了我的哥，蓝瘦香菇，我太南了，九漏鱼，芭比Q了。
Hello chat, thanks for the follow!
GG WP, that was close... can we run it back?
It's 3.5% faster than v1.2.3, isn't it? See e.g. U.S. prices.
Don't forget: "subscribe" & 'like' (or not); #gaming @everyone
What's your PC's CPU/GPU? i9-13900K + RTX_4090, C++ or C#?
I can't believe it's 2024-12-31 23:59:59 already!!! :) <3 ^_^
email me: foo.bar+baz@example.com or http://example.com/a?b=c&d=%20
The café's naïve façade — “déjà vu”, señor; Straße, Ångström, Łódź.
Привет, как дела? Γειά σου Κόσμε. مرحبا بالعالم शुभ प्रभात
今天用Python写了一个AI程序，跑在Linux上，GPU占用率99.9%。
我的iPhone15Pro刚买就降价了，wtf，这T恤也要AT&T的卡？
用C++写比用Java快10倍，C#也不错，VB.NET就算了，Node.js还行。
卡拉OK、KTV、QQ群、X光、B超、AA制、阿Q、U盘、IP地址、IC卡、江南style。
WiFi密码是abc_123-XYZ，连上后打开192.168.1.1，用户名admin。
COVID-19疫情以后，GDP增长了5.2%，CPI上涨0.3%。
第1次、第2名、3月8日、4:30、5.6公斤、70%、8折、9.9元、100万、1/2。
电话13800138000，房间号404，车牌京A12345，编号GB/T 7714-2015。
ＡＢＣ１２３，ａｂｃ！＂＃＄％＆＇（）＊＋，－．／：；＜＝＞？＠［＼］＾＿｀｛｜｝～
１２３４５６７８９０元，ｈｅｌｌｏ　ｗｏｒｌｄ，全角　空格。
😀😃😄😁😆😅🤣😂🙂🙃 主播好可爱❤️❤️❤️ 👍🏻👍🏿 👨‍👩‍👧‍👦 🇨🇳🇺🇸 ☀️⛄️✨
恭喜🎉🎉恭喜！新年快乐🧧🧨，🐯虎年大吉🐯，火🔥火🔥
(╯°□°）╯︵ ┻━┻ ヽ(✿ﾟ▽ﾟ)ノ Σ(っ °Д °;)っ ʕ•ᴥ•ʔ ¯\\_(ツ)_/¯
こんにちは、世界！今日はいい天気ですね。カタカナとひらがな、漢字も使います。
ありがとうございます〜東京タワーへ行きました。ｱｲｳｴｵ ヴァイオリン々〆ヶ
안녕하세요, 반갑습니다! 오늘 방송 재미있어요 ㅋㅋㅋㅋ 大韓民國
ㄅㄆㄇㄈ 注音ㄨㄛˇ ㄞˋ ㄋㄧˇ，㈠㈡㈢ ㊗㊙ ①②③ ⅣⅤⅥ ㎏㎡℃ ½ ×÷ ≈ ≠ ∞ √ π
𠀀𠀁𠀂𠮷野家的𠮷字，𪚥𪚥，𫝀𫞩，𬜬𬭎，㐀㐁㐂䶵，鿏鿭鿿。
\uf900\uf901\uf902\uf903\uf904\uf905\uf906\uf907（兼容字），\ufa19\ufa1a\ufa1b，〇一二三四五六七八九，二〇二四年。
#𠀋-㐄.鿰%abc㐅1.5𠂇&+_䶴\uf900a-b𡿨 &𠀀𠀁 .&𧙁𢂟諾拓_𪊐鿿𣤳
γ射线和β粒子，α波，Ω欧姆，µm微米，№5，©®™ €£¥₿ §¶†‡
… —— ～ · 《书名》〈篇名〉【重点】〖〗〔〕［］｛｝「」『』﹏﹋ ￥100 、，。；：？！
""".strip().split("\n")

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
    "单仇区查朴解尉迟令狐长孙"
)
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂子轩浩然梓涵一诺欣怡雨桐思远乐长行重朝曦茜芮昊睿煜媛琪瑾瑜翀犇淼鑫翯彧祎赟"
GAMES = """
原神 王者荣耀 英雄联盟 绝地求生 黑神话悟空 崩坏星穹铁道 我的世界 艾尔登法环 动物森友会 只狼 塞尔达传说
永劫无间 CS:GO Dota2 Minecraft Valorant
""".split()
ENGLISH = """
OK nice GG hello subscribe streamer chat iPhone Windows11 RTX4090 YouTube Twitch bilibili GPU v2.0
e-sports Wi-Fi 4K 60fps 1080p PS5 Switch App VIP AI Q&A rock'n'roll 3D NBA
""".split()
POLYPHONES = """
行 长 重 乐 好 着 了 得 的 地 还 都 朝 为 数 发 干 中 种 当 倒 处 相 兴 应 转 传 调 差 参 曾 单 解 盛 供
降 强 折 便 背 少 空 假 切 觉 角 会 率 和 落 血 薄 露 载 藏 弹 冠 卡 咽 奔 扎 挑 提 散 模 泊 涨 炮 番 的
系 结 缝 肖 脏 臭 落 行 血 见 论 识 说 调 量 间 难 风 食 饮 骑 鲜
""".split()
THIRD = """
我 你 好 想 老 保 管 我 很 有 买 水 手 表 把 也 小 五 九 百 里 米 雨 伞 请 给 找 跑 起 早 晚 走 可 以 美
女 写 影 马 洗 澡 演 讲 稿 领 导 厂 长 产 品 总 统 府 选 举
""".split()
MEASURES = """
个 次 条 只 把 张 本 件 位 名 块 分 秒 年 天 月 百 千 万 样 起 定 般 直 共 切 边 些 点 下 会 生 刻 瞬间
辈子 口气 路 面 股 阵 番 遍 趟 场 句话
""".split()
VERBS = "看 听 想 试 说 走 来 去 吃 喝 玩 打 写 读 问 找 学 用 唱 跳 等 买 卖 笑 哭 算".split()
ERHUA = """
花儿 鸟儿 小孩儿 玩儿 一会儿 一点儿 有点儿 事儿 哪儿 这儿 那儿 味儿 聊天儿 冰棍儿 老头儿 小曲儿 份儿
今儿 明儿 昨儿 个儿 劲儿 门儿 面条儿 馅儿 盖儿 没准儿 胡同儿 墨水儿 大伙儿 纳闷儿 打盹儿 嗓门儿 心眼儿
倍儿 拔尖儿 儿子 女儿 婴儿 幼儿园 儿童节 托儿所
""".split()
TRADITIONAL = """
這個 問題 時間 東西 電腦 網路 遊戲 實況主 觀眾 訂閱 開臺 關臺 畫面 聲音 麥克風 鍵盤 滑鼠 謝謝 歡迎
對不起 沒關係 請問 為什麼 怎麼樣 頭髮 發現 後來 皇后 裡面 公里 乾杯 幹部 干涉 臺灣 鬱悶 龜裂 體驗 應該
還是 還有 誰 讓 見識 聽說 說話 讀書 寫字 買賣 進來 過去 長大 樂觀 銀行 行長 重複 覺得 睡覺 著急 數學
參加 會議 單位 傳統 轉變 調整 難過 興奮 處理 種類 當然
""".split()
EMOJI = "😀 😂 🤣 ❤️ 👍🏻 🎉 🔥 🐯 🇨🇳 👨‍👩‍👧 ☀️ ✨ 🥺 💯 🙏 🫡 🤡 🧧".split()
KANA = """
ありがとう こんにちは かわいい すごい カタカナ バカ 東京タワー お疲れ様 頑張って ラーメン 食べる ｱｲｳ
""".split()
HANGUL = "안녕하세요 감사합니다 사랑해요 대박 ㅋㅋㅋ 화이팅 오빠".split()
CYRILLIC = "Привет спасибо да нет Ελλάδα café naïve über señor".split()
PUNCTUATION = """
， 。 ！ ？ ； ： 、 … ～ —— ！！ ？！ “ ” ‘ ’ （ ） 《 》 , . ! ? ; : - ... ~ ( ) / " '
""".split()

TEMPLATES = """
{name}说{common}{common}{common}，{common}吗？
我{common}{common}了一{measure}{common}，不{verb}不行。
{verb}一{verb}，{verb}不{verb}，{verb}了{verb}，一{verb}就{verb}。
一{measure}{common}和不{common}的{common}都{common}。
{name}和{name}在玩{game}，{common}{common}！
今天是{year}年{month}月{day}日，{common}{int}{measure}{common}。
{int}比{int}，{decimal}%的{common}，¥{decimal}元。
{chinese}个{common}，第{chinese}{measure}，{chinese}点{chinese}分。
{english}的{common}，{common}{english}{common}。
{english} {english}, {common} {english}!
这{measure}{erhua}{common}，{erhua}{common}{erhua}。
{trad}{trad}{common}，{trad}{trad}？
{third}{third}{third}，{third}{third}{third}{third}。
{third}{third}{common}{third}，不{third}一{third}。
{poly}{common}{poly}{poly}，{common}{poly}。
{poly}{poly}{poly}{poly}{poly}
{common}{emoji}{common}{emoji}{emoji}
{kana}、{common}{kana}！
{hangul} {common} {hangul}
{cyrillic} {common}{cyrillic} {english}
{rare}{rare}{common}{rare}。
{rare}
{han}{han}{han}{han}{han}{han}
{common}{han}{han}{common}{han}
{astral}{common}{astral}{astral}，{ext}{ext}{han}
{ext}{sign}{astral}{sign}{han}{english}
{sign}{astral}{astral}{compat}{common}{compat}
{fullwidth}{common}{fullwidth}{fullwidth}
{common}{punct}{common}{punct}{punct}{common}
{punct}{english}{punct}{common}{punct}{int}{punct}
{common}{common}{common}{common}{common}{common}{common}{common}
{common}{common}{common}{common}{common}{common}
{common}{common}{common}{common}
{common}{rare}{common}{rare}{common}{name}
感谢{name}送的{int}个{common}，{common}{common}！
{name}：“{common}{common}{common}；{common}。”
主播{verb}不{verb}{common}？{emoji}
""".strip().split("\n")

DIGITS = "零一二三四五六七八九"


class Lines:
    def __init__(self, words, seed):
        """words: {word: frequency}"""
        self.rng = random.Random(seed)
        self.rare = sorted(words)
        self.weights = list(itertools.accumulate(words[w] for w in self.rare))

    def slot(self, name):
        r = self.rng
        lists = {
            "english": ENGLISH, "game": GAMES, "poly": POLYPHONES, "third": THIRD, "measure": MEASURES,
            "verb": VERBS, "erhua": ERHUA, "trad": TRADITIONAL, "emoji": EMOJI, "kana": KANA,
            "hangul": HANGUL, "cyrillic": CYRILLIC, "punct": PUNCTUATION, "rare": self.rare,
            "sign": list(".&#%+_-"),
        }
        if name in lists:
            return r.choice(lists[name])
        if name == "common":
            return r.choices(self.rare, cum_weights=self.weights)[0]
        if name == "name":
            return r.choice(SURNAMES) + "".join(r.choice(GIVEN) for _ in range(r.randint(1, 2)))
        ranges = {
            "han": (0x4E00, 0x9FFF), "ext": (0x3400, 0x4DBF), "astral": (0x20000, 0x2EBE0),
            "fullwidth": (0xFF01, 0xFF5E), "compat": (0xF900, 0xFAD9),
        }
        if name in ranges:
            return chr(r.randint(*ranges[name]))
        if name == "chinese":
            return "".join(r.choice(DIGITS + "十百千万亿两〇") for _ in range(r.randint(1, 5)))
        numbers = {
            "year": r.randint(1900, 2099), "month": r.randint(1, 12), "day": r.randint(1, 31),
            "int": r.choice([r.randint(0, 20), r.randint(0, 10**6)]), "decimal": round(r.random() * 1000, 2),
        }
        return str(numbers[name])

    def fill(self, template):
        out = ""
        while "{" in template:
            before, rest = template.split("{", 1)
            name, template = rest.split("}", 1)
            out += before + self.slot(name)
        return out + template

    def all(self, per_template):
        lines = list(SENTENCES)
        for template in TEMPLATES:
            lines += [self.fill(template) for _ in range(per_template)]
        return lines
